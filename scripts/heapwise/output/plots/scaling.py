"""Operations a second over the number of threads, a line for each allocator."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from ... import labels
from ..palette import style_of
from .data import ScalingData
from .figure import FAINT, format_axis, label_line_ends


def plot(data: ScalingData, axes: Axes) -> None:
    """One cell; bars are intervals (dotted: the range of fewer than 8 blocks), the upright line is at the machine's CPUs."""
    numbers = sorted({number for line in data.lines for number in line.threads})
    axes.set_xscale("log", base=2)
    axes.set_xlim(numbers[0] * 0.94, numbers[-1] * 1.06)
    axes.set_xticks(numbers, [f"{number:g}" for number in numbers])
    axes.xaxis.set_minor_locator(NullLocator())
    ends = []
    for line in data.lines:
        style = style_of(line.spec)
        axes.plot(line.threads, line.rates, color=style.colour, linestyle=style.line, linewidth=1.5, marker=style.marker,
                  markersize=5, markerfacecolor=style.face, zorder=3)
        for number, low, high in zip(line.threads, line.low, line.high):
            axes.plot([number, number], [low, high], color=style.colour, linewidth=1, alpha=0.7,
                      linestyle=":" if line.ranged else "-", zorder=2)
        ends.append((line.spec, float(line.threads[-1]), float(line.rates[-1])))
    axes.set_ylim(0, 1.05 * max(float(line.high.max()) for line in data.lines))
    format_axis(axes.yaxis, labels.rate)
    if numbers[0] <= data.cpus_count <= numbers[-1]:
        axes.axvline(data.cpus_count, color=FAINT, linewidth=0.8, linestyle=":", zorder=1)
        axes.annotate(f"{data.cpus_count} CPUs", (data.cpus_count, 1), xycoords=("data", "axes fraction"), xytext=(3, -2),
                      textcoords="offset points", fontsize=7, color=FAINT, va="top")
    axes.set_xlabel("threads")
    axes.set_ylabel("operations a second, all threads together")
    label_line_ends(axes, ends)
