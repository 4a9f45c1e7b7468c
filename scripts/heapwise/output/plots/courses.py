"""The course of long runs: resident over live bytes, and the tail of the responses, over operations."""

from __future__ import annotations

from typing import Callable, Sequence

from matplotlib.axes import Axes

from ... import labels
from ..palette import style_of
from .data import CourseData, CourseLine
from .figure import FAINT, duration_formatter, few_ticks, format_axis, label_line_ends, log_axis

QUARTERS = (0.25, 0.5, 0.75)


def plot(data: CourseData, axes: Sequence[Axes]) -> None:
    """`axes[0]` shows RSS/live where it is known, the last one the tail; bands are the smallest and largest block."""
    if data.rss_per_live:
        _panel(data.rss_per_live, axes[0], "RSS growth over live bytes", lambda value: f"{value:g}×")
    _panel(data.tail_ns, axes[-1], "p99.9 of each slice's responses", duration_formatter, is_log=True)


def _panel(lines: Sequence[CourseLine], axes: Axes, title: str, formatter: Callable[[float], str], is_log: bool = False) -> None:
    last = max(float(line.operations[-1]) for line in lines)
    for place in QUARTERS:
        axes.axvline(place * last, color=FAINT, linewidth=0.7, linestyle=":", zorder=1)
    for line in lines:
        style = style_of(line.spec)
        axes.fill_between(line.operations, line.low, line.high, color=style.colour, alpha=0.12, linewidth=0, zorder=2)
        axes.plot(line.operations, line.values, color=style.colour, linestyle=style.line, linewidth=1.3, zorder=3)
    axes.set_xlim(0, last)
    highest = 1.05 * max(float(line.high.max()) for line in lines)
    if is_log:
        lowest = min(float(line.low.min()) for line in lines) / 1.3
        axes.set_yscale("log")
        axes.set_ylim(lowest, highest)
        log_axis(axes.yaxis, formatter, lowest, highest)
    else:
        axes.set_ylim(0, highest)
        format_axis(axes.yaxis, formatter)
    axes.set_title(title)
    axes.set_xlabel("operations")
    few_ticks(axes.xaxis, 4)
    format_axis(axes.xaxis, lambda value: labels.count(value))
    label_line_ends(axes, [(line.spec, float(line.operations[-1]), float(line.values[-1])) for line in lines])
