"""The curves of docs/claims.md: what `heapwise claims` and its table of settings told, each a plot(data, axes)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ...records.claims import Claims, Point
from ..palette import style_of
from .figure import (binary_ticks, bytes_formatter, duration_formatter, format_axis, label_line_ends, log_axis, log_bytes_axis)

RSS, BRK, LIVE = "#D55E00", "#0072B2", "#999999"
ORDERS = (("lifo", "last made, first freed"), ("fifo", "first made, first freed"), ("pinned", "first made, first freed; one stays on top"))
PATTERNS = (("plateau", "random sizes and lifetimes", "blocks replaced"), ("ladder", "rising sizes, one in ten stays", "sizes so far"),
            ("pins", "64 KiB blocks, 1 KiB pins between", "blocks made, then freed"))
COSTS = (("page_again_ns", "written again"), ("minor_fault_ns", "first write: minor fault"), ("page_cache_ns", "file page in memory"),
         ("major_fault_ns", "file page on disk: major fault"))


@dataclass(frozen=True)
class Freeing:
    """brk and RSS against the number of frees, in one order; the last point of each is after malloc_trim(0)."""

    title: str
    rss: Sequence[Point]
    brk: Sequence[Point]
    trimmed_rss: Sequence[Point]
    trimmed_brk: Sequence[Point]


@dataclass(frozen=True)
class Fragmenting:
    """RSS and live bytes over the course of a pattern."""

    title: str
    course: str
    rss: Sequence[Point]
    live: Sequence[Point]


def freeings(claims: Claims) -> list[Freeing]:
    curves = _all_curves(claims)
    return [Freeing(title, *(curves[f"{order}_{name}_bytes"] for name in ("rss", "brk", "trimmed_rss", "trimmed_brk")))
            for order, title in ORDERS if f"{order}_rss_bytes" in curves]


def fragmentings(claims: Claims) -> list[Fragmenting]:
    curves = _all_curves(claims)
    return [Fragmenting(title, course, curves[f"{pattern}_rss_bytes"], curves[f"{pattern}_live_bytes"])
            for pattern, title, course in PATTERNS if f"{pattern}_rss_bytes" in curves]


def series(settings: Mapping[str, Any], name: str) -> list[Point]:
    """The points of a series of the table of settings; none where it could not be measured."""
    return [(x, y) for one in settings["series"] if one["name"] == name for x, y in one.get("points", ())]


def costs_by_size(settings: Mapping[str, Any]) -> Iterator[tuple[str, list[Point]]]:
    """Of each row of the table its ns an operation over the size of the block."""
    for row in settings["settings"]:
        points = [(cell["size_bytes"], cell["operation_ns"]) for cell in settings["cells"]
                  if cell["spec"] == row["spec"] and "operation_ns" in cell]
        if points:
            yield row["spec"], sorted(points)


def _all_curves(claims: Claims) -> dict[str, list[Point]]:
    """Each by its name; of one that several claims told, the first."""
    found: dict[str, list[Point]] = {}
    for claim in (claim for question in claims.questions for claim in question.claims):
        for name, points in claim.curves().items():
            found.setdefault(name, points)
    return found


def _whole_numbers(axis) -> None:
    axis.set_major_locator(MaxNLocator(5, integer=True))
    format_axis(axis, lambda value: f"{value:,.0f}")


def plot_freeing(data: Freeing, axes: Axes) -> None:
    highest = 0.0
    for points, trimmed, colour, name, width in ((data.brk, data.trimmed_brk, BRK, "brk", 4.5),
                                                 (data.rss, data.trimmed_rss, RSS, "RSS", 1.5)):
        x, y = np.transpose(points)
        axes.plot(x, y, color=colour, linewidth=width, alpha=0.4 if width > 2 else 1, label=name)
        end, after = x[-1] * 1.06, trimmed[-1][1]
        axes.plot([x[-1], end], [y[-1], after], color=colour, linewidth=1.0, linestyle=":")
        axes.plot(end, after, color=colour, marker="o", markersize=3 + width, alpha=0.4 if width > 2 else 1)
        highest = max(highest, float(np.max(y)))
    axes.set_title(data.title)
    axes.set_xlabel("blocks freed")
    axes.set_ylim(-0.03 * highest, highest * 1.08)
    axes.set_yticks(binary_ticks(highest))
    format_axis(axes.yaxis, bytes_formatter)
    _whole_numbers(axes.xaxis)


def plot_fragmenting(data: Fragmenting, axes: Axes) -> None:
    live_x, live_y = np.transpose(data.live)
    x, y = np.transpose(data.rss)
    axes.fill_between(live_x, 0, live_y, color="#dddddd", linewidth=0, label="live")
    axes.plot(x, y, color=RSS, linewidth=1.5, label="RSS")
    highest = float(max(np.max(y), np.max(live_y)))
    axes.set_title(data.title)
    axes.set_xlabel(data.course)
    axes.set_ylim(0, highest * 1.08)
    axes.set_yticks(binary_ticks(highest))
    format_axis(axes.yaxis, bytes_formatter)
    _whole_numbers(axes.xaxis)


def plot_cliff(lines: Sequence[tuple[str, list[Point]]], axes: Axes) -> None:
    """Time an operation over the size of the block, both logarithmic."""
    every = [point for _, points in lines for point in points]
    axes.set_xscale("log")
    axes.set_yscale("log")
    sizes, times = np.transpose(every)
    axes.set_xlim(min(sizes), max(sizes))
    axes.set_ylim(min(times) / 1.5, max(times) * 1.5)
    for spec, points in lines:
        style = style_of(spec)
        axes.plot(*np.transpose(points), color=style.colour, linestyle=style.line, linewidth=1.3, marker=style.marker, markersize=3.5,
                  markerfacecolor=style.face)
    log_bytes_axis(axes.xaxis, min(sizes), max(sizes))
    log_axis(axes.yaxis, duration_formatter, min(times), max(times))
    axes.set_xlabel("size of the block")
    axes.set_ylabel("allocate, write each page, free")
    label_line_ends(axes, [(spec, *points[-1]) for spec, points in lines], size=7)


def plot_faults(points: Sequence[Point], x_label: str, axes: Axes) -> None:
    """Faults an operation over a setting in bytes."""
    x, y = np.transpose(points)
    axes.plot(x, y, color=RSS, linewidth=1.2, marker="o", markersize=3.5)
    axes.set_ylim(0, max(y) * 1.1)
    axes.set_xlim(min(x), max(x))
    axes.set_xticks(binary_ticks(max(x)))
    format_axis(axes.xaxis, bytes_formatter)
    axes.set_xlabel(x_label)
    axes.set_ylabel("minor faults an operation")


def plot_threshold(smallest_mapped: Sequence[Point], freed: Sequence[Point], axes: Axes) -> None:
    """After each free: the size that was freed, and the smallest that malloc then maps."""
    mapped = [(x, y) for x, y in smallest_mapped if y > 0]
    axes.set_yscale("log")
    axes.plot(*np.transpose(freed), color=LIVE, linewidth=0, marker="x", markersize=5, label="the block that was freed")
    axes.step(*np.transpose(mapped), where="post", color=RSS, linewidth=1.5, marker="o", markersize=3.5,
              label="smallest request that is mapped")
    every = [y for _, y in (*mapped, *freed)]
    axes.set_ylim(min(every) / 1.5, max(every) * 1.5)
    log_bytes_axis(axes.yaxis, min(every), max(every))
    _whole_numbers(axes.xaxis)
    axes.set_xlabel("blocks freed so far")
    axes.legend(frameon=False, fontsize=8, loc="lower right")


def plot_costs(costs: Mapping[str, Any], axes: Axes) -> None:
    """What one page costs, from a touch to a disk, on a logarithmic axis."""
    shown = [(words, float(costs[name])) for name, words in COSTS if costs.get(name)]
    places = range(len(shown))[::-1]
    values = [value for _, value in shown]
    axes.set_xscale("log")
    low = min(values) / 3
    axes.barh(list(places), [value - low for value in values], left=low, color=RSS, height=0.55)
    for place, value in zip(places, values):
        axes.text(value * 1.15, place, duration_formatter(value), va="center", fontsize=8.5)
    axes.set_yticks(list(places), [words for words, _ in shown])
    axes.set_xlim(low, max(values) * 6)
    log_axis(axes.xaxis, duration_formatter, low, max(values))
    axes.set_xlabel("one page")
    axes.grid(axis="y", visible=False)
