"""Memory of whole programs over time: one run of each allocator, all its processes together."""

from __future__ import annotations

from matplotlib.axes import Axes

from ..palette import style_of
from .data import OverTimeData
from .figure import binary_ticks, bytes_formatter, few_ticks, format_axis, label_line_ends


def plot(data: OverTimeData, axes: Axes) -> None:
    """A line for each allocator; it ends where its run ended."""
    ends = []
    for line in data.lines:
        style = style_of(line.spec)
        axes.plot(line.elapsed_seconds, line.tree_bytes, color=style.colour, linestyle=style.line, linewidth=1.4,
                  zorder=3)
        axes.plot(line.elapsed_seconds[-1], line.tree_bytes[-1], color=style.colour, marker=style.marker, markersize=4,
                  markerfacecolor=style.face, zorder=4)
        ends.append((line.spec, float(line.elapsed_seconds[-1]), float(line.tree_bytes[-1])))
    highest = max(float(line.tree_bytes.max()) for line in data.lines)
    axes.set_xlim(0, 1.01 * max(end for _, end, _ in ends))
    axes.set_ylim(0, highest * 1.05)
    axes.set_yticks(binary_ticks(highest))
    format_axis(axes.yaxis, bytes_formatter)
    few_ticks(axes.xaxis, 6)
    format_axis(axes.xaxis, lambda value: f"{value:g}")
    axes.set_xlabel("time since the start (s)")
    axes.set_ylabel("memory of all processes")
    label_line_ends(axes, ends)
