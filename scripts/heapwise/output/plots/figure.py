"""What all pictures share: the look, labels at the ends of lines, captions, files."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Callable, Sequence

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402  (the backend comes first)
import numpy as np  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator  # noqa: E402
from PIL import Image  # noqa: E402  (which matplotlib itself needs)

from ... import labels  # noqa: E402
from ..palette import style_of  # noqa: E402
from .data import Ratio  # noqa: E402

INK = "#222222"
FAINT = "#8a8a8a"
GRID = "#e4e4e4"
LOOK = {
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 9, "text.color": INK,
    "axes.edgecolor": FAINT, "axes.labelcolor": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": GRID, "grid.linewidth": 0.7, "axes.axisbelow": True, "axes.titlesize": 9.5,
    "axes.titleweight": "bold", "axes.titlelocation": "left", "xtick.color": INK, "ytick.color": INK,
    "xtick.major.size": 3, "ytick.major.size": 3, "figure.facecolor": "white", "svg.hashsalt": "heapwise",
}
PNG_DPI = 150
PNG_COLOURS = 128
TITLE_INCHES = 0.27
CAPTION_LINE_INCHES = 0.15
LOWEST_AXES_INCHES = 0.95  # with title and ticks
LABEL_PITCH = 1.28  # distance of neighbouring labels over their size


plt.rcParams.update(LOOK)


def new_figure(rows: int, columns: int, width_inches: float, height_inches: float, title: str, caption: str,
               **named) -> tuple[Figure, np.ndarray]:
    """A figure and its axes as a rows × columns array; title above, caption (sample sizes, intervals) below.

    Axes have about their final size at once, because labels are placed by it; `finish` fits them.
    """
    title_lines = textwrap.wrap(title, int(width_inches * 9.4)) or [""]
    caption_lines = textwrap.wrap(caption, int(width_inches * 16.5))
    above, below = 0.12 + TITLE_INCHES * len(title_lines), 0.12 + CAPTION_LINE_INCHES * len(caption_lines)
    height_inches = max(height_inches, above + below + rows * LOWEST_AXES_INCHES)
    figure, axes = plt.subplots(rows, columns, figsize=(width_inches, height_inches), squeeze=False, **named)
    figure.inches_above, figure.inches_below = above, below
    figure.text(0.12 / width_inches, 1 - 0.1 / height_inches, "\n".join(title_lines), ha="left", va="top", fontsize=11.5,
                fontweight="bold")
    figure.text(0.12 / width_inches, 0.09 / height_inches, "\n".join(caption_lines), ha="left", va="bottom", fontsize=7.5,
                color="#555555")
    figure.subplots_adjust(left=0.09, right=0.88, bottom=(below + 0.5) / height_inches,
                           top=1 - (above + 0.3) / height_inches, hspace=0.4, wspace=0.3)
    return figure, axes


def finish(figure: Figure) -> Figure:
    """Fits the axes, their labels included, between title and caption."""
    height = figure.get_size_inches()[1]
    figure.tight_layout(rect=(0, figure.inches_below / height, 1, 1 - figure.inches_above / height),
                        pad=0.6, w_pad=1.6, h_pad=1.4)
    return figure


def save_svg(figure: Figure, file: Path) -> Path:
    """The same figure gives the same bytes; so does save_png."""
    figure.savefig(file, metadata={"Date": None})
    return file


def save_png(figure: Figure, file: Path) -> Path:
    """With a palette: lines, letters and a few hues make a third of the bytes so."""
    figure.savefig(file, dpi=PNG_DPI, metadata={"Software": None})
    with Image.open(file) as picture:
        reduced = picture.convert("RGB").quantize(PNG_COLOURS, dither=Image.Dither.NONE)
    reduced.save(file, optimize=True, dpi=(PNG_DPI, PNG_DPI))
    return file


def close(figure: Figure) -> None:
    plt.close(figure)


def label_line_ends(axes: Axes, ends: Sequence[tuple[str, float, float]], size: float = 8.5) -> None:
    """Names lines at the right edge. `ends` holds spec, x and y in data; labels keep a distance from each other."""
    if not ends:
        return
    axes.figure.canvas.draw()
    to_axes = axes.transData + axes.transAxes.inverted()
    points = [(spec, *to_axes.transform((x, y))) for spec, x, y in ends]
    points.sort(key=lambda point: point[2])
    height_inches = axes.get_window_extent().height / axes.figure.dpi
    gaps = [(1 + style_of(spec).label.count("\n")) * size * LABEL_PITCH / 72 / height_inches for spec, _, _ in points]
    places = spread([y for _, _, y in points], gaps)
    for (spec, x, y), place in zip(points, places):
        style = style_of(spec)
        axes.plot([x, 1.015, 1.035], [y, place, place], transform=axes.transAxes, color=style.colour, linewidth=0.6,
                  alpha=0.6, clip_on=False, zorder=1)
        axes.text(1.045, place, style.label, transform=axes.transAxes, color=style.colour, fontsize=size, va="center",
                  ha="left", linespacing=1.0)


def spread(wanted: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Places near the ascending `wanted` such that neighbours do not overlap; gaps[i] is the height of i."""
    clusters: list[list[float]] = []  # sum of the shifts, members, start
    shifted = []
    offset = 0.0
    for index, value in enumerate(wanted):
        if index:
            offset += (gaps[index - 1] + gaps[index]) / 2
        shifted.append(value - offset)
    # isotonic regression: pool neighbours whose order is violated
    for value in shifted:
        clusters.append([value, 1.0])
        while len(clusters) > 1 and clusters[-2][0] / clusters[-2][1] > clusters[-1][0] / clusters[-1][1]:
            total, members = clusters.pop()
            clusters[-1][0] += total
            clusters[-1][1] += members
    flat = [total / members for total, members in clusters for _ in range(int(members))]
    offset, places = 0.0, []
    for index, value in enumerate(flat):
        if index:
            offset += (gaps[index - 1] + gaps[index]) / 2
        places.append(value + offset)
    return places


def format_axis(axis, formatter: Callable[[float], str]) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: formatter(value)))


def log_axis(axis, formatter: Callable[[float], str], low: float, high: float) -> None:
    """A logarithmic axis with at least three ticks, each with a unit."""
    decades = np.log10(high / low) if low > 0 else 3
    subs = (1.0,) if decades > 2.5 else (1.0, 3.0) if decades > 1.5 else (1.0, 2.0, 5.0) if decades > 0.6 else np.arange(1, 10, 0.5)
    axis.set_major_locator(LogLocator(10, subs=subs, numticks=8))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    format_axis(axis, formatter)


def log_bytes_axis(axis, low: float, high: float) -> None:
    """A logarithmic axis of bytes with three to seven ticks at powers of two."""
    powers = np.log2([low, high])
    step = next(step for step in (1, 2, 5, 10, 20) if (powers[1] - powers[0]) / step <= 6.5 or step == 20)
    first = int(np.ceil(powers[0] / step)) * step
    axis.set_ticks([2.0 ** power for power in range(first, int(powers[1]) + 1, step)])
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    format_axis(axis, bytes_formatter)


def ratio_axis(axes: Axes, which: str, low: float, high: float) -> None:
    """A logarithmic axis of ratios to the baseline, with plain ticks around 1."""
    axis = getattr(axes, f"{which}axis")
    getattr(axes, f"set_{which}scale")("log")
    steps = ([0.9, 0.95, 1, 1.05, 1.1] if high / low < 1.3 else [0.8, 0.9, 1, 1.1, 1.25] if high / low < 1.7 else
             [0.25, 0.5, 0.7, 1, 1.4, 2, 3, 4] if high / low < 8 else
             [0.01, 0.1, 0.25, 0.5, 1, 2, 4, 10, 30, 100] if high / low < 300 else
             [10.0 ** power for power in range(-6, 7)])
    getattr(axes, f"set_{which}ticks")([step for step in steps if low <= step <= high])
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    format_axis(axis, lambda value: f"{value:g}×")
    getattr(axes, f"set_{which}lim")(low, high)


def ratio_range(ratios: Sequence[Ratio]) -> tuple[float, float]:
    """Ends of a logarithmic axis with all intervals inside and 1 never at the edge."""
    ends = [end for ratio in ratios if ratio.value is not None for end in (ratio.low, ratio.high)]
    low, high = min([*ends, 0.93]), max([*ends, 1.08])
    margin = (high / low) ** 0.06
    return low / margin, high * margin


def bytes_formatter(value: float) -> str:
    return "0" if value == 0 else labels.memory(value).replace(".00", "").replace(".0 ", " ")


def duration_formatter(value: float) -> str:
    return labels.duration(value).replace(".00", "").replace(".0 ", " ")


def few_ticks(axis, number: int = 5) -> None:
    axis.set_major_locator(MaxNLocator(number))


def binary_ticks(highest: float) -> np.ndarray:
    """Four to eight ticks at whole powers of two."""
    step = 2.0 ** np.floor(np.log2(highest / 4)) if highest > 0 else 1.0
    return np.arange(0, highest * 1.05, step)
