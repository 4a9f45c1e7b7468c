"""RSS and VSZ over operations, with the bytes the workload holds alive beneath."""

from __future__ import annotations

from typing import Sequence

from matplotlib.axes import Axes

from ... import labels
from ..palette import style_of
from .data import TimelineData
from .figure import binary_ticks, bytes_formatter, few_ticks, format_axis, label_line_ends, log_bytes_axis

# From this ratio of the largest to the smallest line a linear axis would flatten most of them.
LOG_FROM_RATIO = 20.0


def plot(data: TimelineData, axes: Sequence[Axes]) -> None:
    """`axes[0]` shows RSS, `axes[1]` VSZ; bands are the smallest and largest block."""
    _panel(data, axes[0], "rss", "resident (RSS), growth over the start")
    _panel(data, axes[1], "vsz", "mapped (VSZ), whole process")


def _panel(data: TimelineData, axes: Axes, kind: str, title: str) -> None:
    ends, peaks = [], []
    if data.live_bytes.size:
        axes.fill_between(data.live_operations, 0, data.live_bytes, color="#d8d8d8", linewidth=0, zorder=1)
    for line in data.lines:
        style = style_of(line.spec)
        middle, low, high = (getattr(line, f"{kind}_{end}bytes") for end in ("", "low_", "high_"))
        axes.fill_between(line.operations, low, high, color=style.colour, alpha=0.12, linewidth=0, zorder=2)
        axes.plot(line.operations, middle, color=style.colour, linestyle=style.line, linewidth=1.5, zorder=3)
        ends.append((line.spec, float(line.operations[-1]), float(middle[-1])))
        peaks.append(float(high.max()))
    axes.set_xlim(0, max(line.operations[-1] for line in data.lines))
    lowest, highest = max(min(peaks), 1.0), max(max(peaks), 1.0)
    if highest / lowest > LOG_FROM_RATIO:
        axes.set_yscale("log")
        live_peak = float(data.live_bytes.max()) if data.live_bytes.size else lowest
        floor = max(min(lowest, live_peak) / 3, 4096.0)
        axes.set_ylim(floor, highest * 2)
        log_bytes_axis(axes.yaxis, floor, highest * 2)
        ends = [(spec, x, max(y, floor)) for spec, x, y in ends]
    else:
        axes.set_ylim(0, highest * 1.05)
        axes.set_yticks(binary_ticks(highest))
        format_axis(axes.yaxis, bytes_formatter)
    if data.live_bytes.size:
        axes.annotate("live bytes", (0.99, 0.02), xycoords="axes fraction", fontsize=7.5, color="#666666", ha="right", va="bottom")
    axes.set_title(title)
    axes.set_xlabel("operations")
    few_ticks(axes.xaxis, 4)
    format_axis(axes.xaxis, lambda value: labels.count(value))
    label_line_ends(axes, ends)
