"""Time against peak memory, both as ratios to the baseline: what an allocator buys with its memory."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.axes import Axes

from ... import labels
from ..palette import style_of
from .data import Ratio, TradeData
from .figure import FAINT, LABEL_PITCH, ratio_axis, ratio_range, spread

LABEL_SIZE = 8.0
TITLE_LETTERS = 48  # that fit above the axes


def plot(data: TradeData, axes: Axes) -> None:
    """One cell; bars are intervals (dotted: the range of fewer than 8 blocks). Lower left is better."""
    axes.axvline(1, color=FAINT, linewidth=0.8, zorder=1)
    axes.axhline(1, color=FAINT, linewidth=0.8, zorder=1)
    one = Ratio(data.baseline, 1.0, 1.0, 1.0)
    points = [(one, one), *data.points]
    for time, memory in points:
        style = style_of(time.spec)
        bars = ((time, (time.low, time.high), (memory.value,) * 2), (memory, (time.value,) * 2, (memory.low, memory.high)))
        for ratio, xs, ys in bars:
            axes.plot(xs, ys, color=style.colour, linewidth=1, linestyle=":" if ratio.ranged else "-", alpha=0.7, zorder=2)
        axes.plot(time.value, memory.value, marker=style.marker, color=style.colour, markerfacecolor=style.face,
                  markersize=7, markeredgewidth=1.2, linestyle="none", zorder=3)
    ratio_axis(axes, "x", *ratio_range([time for time, _ in points]))
    ratio_axis(axes, "y", *ratio_range([memory for _, memory in points]))
    _name_points(axes, points)
    apart = f" (memory {data.memory_blocks_count})" if data.memory_blocks_count != data.time_blocks_count else ""
    missing = f"; without {', '.join(data.missing)}" if data.missing else ""
    words = data.cell, f"{labels.blocks(data.time_blocks_count)}{apart}{missing}"
    axes.set_title("\n".join(line for text in words for line in textwrap.wrap(text, TITLE_LETTERS)))
    axes.set_xlabel(data.time_words)
    axes.set_ylabel(data.memory_words)


def _name_points(axes: Axes, points: list[tuple[Ratio, Ratio]]) -> None:
    """Names in a column at the right edge, each joined to its point."""
    axes.figure.canvas.draw()
    to_axes = axes.transData + axes.transAxes.inverted()
    placed = sorted(((time.spec, *to_axes.transform((time.value, memory.value))) for time, memory in points),
                    key=lambda point: point[2])
    height_inches = axes.get_window_extent().height / axes.figure.dpi
    gaps = [(1 + style_of(spec).label.count("\n")) * LABEL_SIZE * LABEL_PITCH / 72 / height_inches for spec, _, _ in placed]
    heights = np.clip(spread([y for _, _, y in placed], gaps), -0.2, 1.2)
    for (spec, x, y), height in zip(placed, heights):
        style = style_of(spec)
        axes.plot([x, 1.02, 1.04], [y, height, height], transform=axes.transAxes, color=style.colour, linewidth=0.7,
                  linestyle=(0, (1, 2)), alpha=0.8, clip_on=False, zorder=1)
        axes.text(1.05, height, style.label, transform=axes.transAxes, color=style.colour, fontsize=LABEL_SIZE, va="center",
                  linespacing=1.0)
