"""Ratios to the baseline with their intervals, all cells beneath each other."""

from __future__ import annotations

import textwrap

from matplotlib.axes import Axes

from ... import labels
from ..palette import style_of
from .data import RatioData, brief
from .figure import FAINT, ratio_axis


def plot(data: RatioData, axes: Axes, low: float, high: float, title_letters: int) -> None:
    """One cell. `low` and `high` are the axis' ends, the same for all cells; the metric's band is shaded."""
    names = [style_of(ratio.spec).label.replace("\n", " ") for ratio in data.ratios]
    axes.axvspan(1 - data.band, 1 + data.band, color="#e9e9e9", linewidth=0, zorder=0)
    axes.axvline(1, color=style_of(data.baseline).colour, linewidth=1, zorder=1)
    for place, ratio in enumerate(data.ratios):
        style = style_of(ratio.spec)
        if ratio.value is None:
            axes.annotate(brief(ratio.words), (1, place), xytext=(5, 0), textcoords="offset points", color=FAINT, fontsize=8,
                          fontstyle="italic", va="center")
            continue
        if ratio.low <= high and ratio.high >= low:
            axes.plot([max(ratio.low, low), min(ratio.high, high)], [place, place], color=style.colour,
                      linewidth=1.2 if ratio.ranged else 2.2, linestyle=":" if ratio.ranged else "-", solid_capstyle="butt", zorder=2)
        # an arrow at the edge stands for what lies beyond
        inset = (high / low) ** 0.015
        shown = min(max(ratio.value, low * inset), high / inset)
        marker = style.marker if shown == ratio.value else "$\u2192$" if ratio.value > shown else "$\u2190$"
        axes.plot(shown, place, marker=marker, markersize=6 if shown == ratio.value else 9, color=style.colour,
                  markerfacecolor=style.face, clip_on=False, zorder=3)
        axes.annotate(labels.ratio(ratio.value), (1.015, place), xycoords=("axes fraction", "data"), fontsize=8, va="center",
                      color=style.colour)
    axes.set_yticks(range(len(names)), names)
    for tick, ratio in zip(axes.get_yticklabels(), data.ratios):
        tick.set_color(style_of(ratio.spec).colour)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    ratio_axis(axes, "x", low, high)
    axes.set_title("\n".join(title_lines(data, title_letters)))


def title_lines(data: RatioData, letters: int) -> list[str]:
    """One line, or more where it does not fit."""
    details = f"{data.baseline} = {data.baseline_text}, {labels.blocks(data.blocks_count)}"
    line = f"{data.cell}    {details}"
    return [line] if len(line) <= letters else [*textwrap.wrap(data.cell, letters, break_on_hyphens=False), details]
