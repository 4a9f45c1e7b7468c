"""Where each allocator's resident memory lies at the end, as stacked bars over the live bytes."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from ... import labels
from ...records.metrics import RESIDENT_PARTS
from ..palette import style_of
from .data import SplitData, brief
from .figure import FAINT, INK, binary_ticks, bytes_formatter, format_axis

SHADES = dict(zip(RESIDENT_PARTS, ("#bdbdbd", "#56B4E9", "#E69F00", "#F5DCA8", "#EBBE55")))
MOST_TICKS = 5
EMPTY_WORDS = "left after free and release"


def plot(data: SplitData, axes: Axes) -> None:
    """One cell; the number behind a bar is RSS over live bytes."""
    farthest = data.live_bytes
    for place, split in enumerate(data.splits):
        colour = style_of(split.spec).colour
        end = 0.0
        for part, value in split.parts.items():
            axes.barh(place, value, left=end, height=0.66, color=SHADES[part], linewidth=0)
            end += value
        if split.empty_bytes is not None:
            axes.plot([split.empty_bytes] * 2, [place - 0.33, place + 0.33], color=INK, linewidth=1.6, solid_capstyle="butt")
        text = f"{labels.ratio(end / data.live_bytes)} live" if split.parts and data.live_bytes else brief(split.words)
        axes.annotate(text, (end, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8,
                      color=colour if split.parts else FAINT, fontstyle="normal" if split.parts else "italic")
        farthest = max(farthest, end, split.empty_bytes or 0.0)
    axes.set_yticks(range(len(data.splits)), [style_of(split.spec).label.replace("\n", " ") for split in data.splits])
    for tick, split in zip(axes.get_yticklabels(), data.splits):
        tick.set_color(style_of(split.spec).colour)
    axes.set_ylim(len(data.splits) - 0.4, -0.6)
    axes.set_xlim(0, farthest * 1.28)
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    ticks = binary_ticks(farthest)
    axes.set_xticks(ticks if len(ticks) <= MOST_TICKS else ticks[::2])
    format_axis(axes.xaxis, bytes_formatter)
    axes.set_xlabel("resident (RSS) at the end, growth over the start")
    axes.set_title(f"{data.cell}, {labels.blocks(data.blocks_count)}")


def add_legend(cells: list[SplitData], axes: Axes) -> None:
    """The parts that any of the cells has, beside the last of them."""
    splits = [split for cell in cells for split in cell.splits]
    present = [part for part in RESIDENT_PARTS if any(part in split.parts for split in splits)]
    handles = [Rectangle((0, 0), 1, 1, color=SHADES[part], linewidth=0) for part in present]
    names = [RESIDENT_PARTS[part] for part in present]
    if any(split.empty_bytes is not None for split in splits):
        handles.append(Line2D([], [], color=INK, linewidth=1.6, marker="|", linestyle=""))
        names.append(EMPTY_WORDS)
    axes.legend(handles, names, fontsize=7.5, frameon=False, loc="lower left", bbox_to_anchor=(1.0, 0.0),
                handlelength=0.9, handleheight=0.9, labelspacing=0.3)
