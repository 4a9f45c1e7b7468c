"""Faults and system calls of each allocator as bars, the numbers beside them."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ... import labels
from ...records.metrics import SYSTEM_CALLS
from ..palette import style_of
from .data import CountData, brief
from .figure import FAINT, few_ticks, format_axis

SHADES = dict(zip(SYSTEM_CALLS, ("#555555", "#0072B2", "#56B4E9", "#E69F00", "#CC79A7")))
# Rarer events would fill an axis although they do not matter.
SMALLEST_SCALE = 0.01


def plot(data: CountData, axes: Axes, named: bool) -> None:
    """One cell and one quantity. `named`: write the allocators' names."""
    totals = [sum(count.parts.values()) for count in data.counts]
    largest = max([*totals, SMALLEST_SCALE])
    for place, (count, total) in enumerate(zip(data.counts, totals)):
        colour = style_of(count.spec).colour
        left = 0.0
        for part, value in count.parts.items():
            axes.barh(place, value, left=left, height=0.66, color=SHADES.get(part, colour), linewidth=0)
            left += value
        text = labels.count(total) if count.parts else brief(count.words)
        axes.annotate(text, (left, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8,
                      color=colour if count.parts else FAINT, fontstyle="normal" if count.parts else "italic")
    names = [style_of(count.spec).label.replace("\n", " ") if named else "" for count in data.counts]
    axes.set_yticks(range(len(names)), names)
    for tick, count in zip(axes.get_yticklabels(), data.counts):
        tick.set_color(style_of(count.spec).colour)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, largest * 1.28)
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    few_ticks(axes.xaxis, 4)
    format_axis(axes.xaxis, lambda value: f"{value:g}")
    axes.set_title(f"{data.quantity}, {labels.blocks(data.blocks_count)}" if not named else
                   f"{data.cell}\n{data.quantity}, {labels.blocks(data.blocks_count)}")
    present = [call for call in SYSTEM_CALLS if any(count.parts.get(call) for count in data.counts)]
    if present:
        handles = [Rectangle((0, 0), 1, 1, color=SHADES[call], linewidth=0) for call in present]
        axes.legend(handles, present, fontsize=7.5, frameon=False, loc="lower left", bbox_to_anchor=(1.0, 0.0),
                    handlelength=0.9, handleheight=0.9, labelspacing=0.3)
