"""Pictures of a result folder: one file for each kind, each a `plot(data, axes)`; this file composes them.

No plot computes a statistic: summary.json has the inference, plots/data.py merges raw histograms
and timelines. Titles name the cell, captions the sample sizes and what bars and bands are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

from matplotlib.figure import Figure

from ... import labels
from ...inference.sweep import is_over_thresholds
from ...labels import slug
from ...records.folder import GroupRuns, ResultFolder
from ...records.metrics import band_of
from ..program_tables import heading, peak_memory
from ..tables import CellView, cell_views, title_of
from . import counts, courses, forest, fragmentation, over_time, percentiles, scaling, threshold_sweep, timelines, trade
from .data import (MAJOR_FAULTS, CountData, CourseData, OverTimeData, RatioData, ScalingData, SplitData, TradeData,
                   comparison_views, count_data, course_data, latency_steps, over_time_data, percentile_data,
                   program_trade_data, ratio_data, runs_of_cell, scaling_data, split_data, timeline_data, trade_data,
                   words_for_missing)
from .figure import close, finish, new_figure, ratio_range, save_png, save_svg

Summary = Mapping[str, Any]
ROW_INCHES = 0.235
GRID_FROM = 5  # cells: so many stand in a grid
GRID_FROM_WITH_LONG_NAMES = 16
GRID_COLUMNS = 3
TITLE_LETTERS, TITLE_LETTERS_IN_GRID = 92, 46  # that fit above the axes
FARTHEST_RATIO = 8.0  # of the overview of all cells; arrows stand for what lies beyond
INTERVALS = "Bars: 95 % intervals of the paired ratios inside blocks; dotted: the range of fewer than 8 blocks."


def draw_all(folder: ResultFolder, summary: Summary, directory: Path, png: bool = False) -> list[Path]:
    """Draws every picture the folder has data for into `directory`; returns the files."""
    directory.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, draw in pictures(folder, summary):
        figure = draw()
        written.append(save_svg(figure, directory / f"{name}.svg"))
        if png:
            written.append(save_png(figure, directory / f"{name}.png"))
        close(figure)
    return written


def pictures(folder: ResultFolder, summary: Summary) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Names and makers of the pictures, the overviews first."""
    views = comparison_views(summary)
    named = [(view.title, view) for view in views]
    yield from _overviews(named)
    yield from _program_pictures(folder, summary)
    for one in summary.get("scaling", ()):
        data = scaling_data(one, summary["environment"]["cpus_count"])
        if data is not None:
            yield f"scaling-{slug(one['title'])}", _bind(_scaling, one["title"], data)
    for sweep in summary["sweeps"]:
        if is_over_thresholds(sweep) and any(row["wall_per_operation_ns"] is not None for row in sweep["rows"]):
            yield f"sweep-{slug(title_of(sweep))}", _bind(_sweep, sweep)
    for name, view in named:
        latency, memory = runs_of_cell(folder, view, "latency"), runs_of_cell(folder, view, "memory")
        if latency is not None and latency_steps(latency):
            yield f"latency-{slug(name)}", _bind(_latency, view, latency)
        if memory is not None and timeline_data(memory) is not None:
            yield f"memory-{slug(name)}", _bind(_memory, view, memory)
        course = course_data(memory, runs_of_cell(folder, view, "open_loop"))
        if course is not None:
            yield f"course-{slug(name)}", _bind(_course, view, course)


def _bind(maker: Callable[..., Figure], *arguments: Any) -> Callable[[], Figure]:
    return lambda: maker(*arguments)


def _overviews(named: list[tuple[str, CellView]]) -> Iterator[tuple[str, Callable[[], Figure]]]:
    ratios = [_baseline_ratios(name, view, "throughput", "wall_per_operation_ns", "ns")
              for name, view in named if "throughput" in view.groups and len(view.allocators) > 1]
    if ratios:
        columns = _grid_columns(ratios, GRID_FROM_WITH_LONG_NAMES)
        yield "throughput", _bind(_forest, ratios, "Time an operation against the baseline, left is faster", columns)
    trades = [data for data in (trade_data(view, name) for name, view in named) if data is not None]
    if trades:
        yield "time-against-memory", _bind(_trade, trades, "peak RSS")
    counted = [row for row in (count_data(view, name) for name, view in named) if row]
    if counted:
        yield "faults-and-system-calls", _bind(_counts, counted)
    splits = [data for data in (split_data(view, name) for name, view in named) if data is not None]
    if splits:
        yield "fragmentation", _bind(_fragmentation, splits)


def _program_pictures(folder: ResultFolder, summary: Summary) -> Iterator[tuple[str, Callable[[], Figure]]]:
    views = [view for view in cell_views(summary, "command") if "command" in view.groups]
    compared = [view for view in views if len(view.allocators) > 1]
    if compared:
        columns = _grid_columns(compared)
        times = [_program_ratios(view, "wall_ns", "ns") for view in compared]
        yield "wall-time", _bind(_forest, times, "Wall time against the baseline, left is faster", columns)
        memory = [_program_ratios(view, peak_memory(view).metric, "bytes") for view in compared]
        yield "peak-memory", _bind(_forest, memory, "Peak memory against the baseline, left is smaller", columns)
        trades = [program_trade_data(view, _shortened(view.title)) for view in compared]
        if any(trades):
            yield "program-time-against-memory", _bind(_trade, [data for data in trades if data], "peak memory")
    for (name, better), having in _by_user_metric(compared).items():
        way = "right" if better == "higher" else "left"
        figures = [_program_ratios(view, f"user_{name}", "") for view in having]
        title = f"{name} against the baseline, {way} is better"
        yield f"metric-{slug(name)}", _bind(_forest, figures, title, _grid_columns(figures))
    for view in views:
        runs = runs_of_cell(folder, view, "command")
        data = over_time_data(runs) if runs is not None else None
        if data is not None:
            yield f"over-time-{slug(view.title)}", _bind(_over_time, view, data)


def _by_user_metric(views: list[CellView]) -> dict[tuple[str, str], list[CellView]]:
    found: dict[tuple[str, str], list[CellView]] = {}
    for view in views:
        for metric in view.user_metrics:
            found.setdefault((metric["name"], metric["better"]), []).append(view)
    return found


def _program_ratios(view: CellView, metric: str, unit: str) -> RatioData:
    return _baseline_ratios(_shortened(view.title), view, "command", metric, unit)


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:58] + "…"


def _baseline_ratios(name: str, view: CellView, pass_name: str, metric: str, unit: str) -> RatioData:
    runs = view.runs(pass_name, view.baseline)
    median = runs["medians"].get(metric) if runs else None
    text = labels.quantity(median, unit) if median is not None else (runs or {}).get("status_text") or "no figures"
    return ratio_data(view, name, pass_name, metric, text, band_of(metric, pass_name))


def _grid_columns(cells: list[Any], grid_from: int = GRID_FROM) -> int:
    """Few stand beneath each other, many in a grid."""
    return GRID_COLUMNS if len(cells) >= grid_from else 1


def _forest(cells: list[RatioData], title: str, columns: int = 1) -> Figure:
    low, high = ratio_range([ratio for cell in cells for ratio in cell.ratios])
    low, high = max(low, 1 / FARTHEST_RATIO), min(high, FARTHEST_RATIO)
    letters = TITLE_LETTERS if columns == 1 else TITLE_LETTERS_IN_GRID
    rows = [cells[begin:begin + columns] for begin in range(0, len(cells), columns)]
    heights = [max(len(cell.ratios) for cell in row) + 1.2 + 0.7 * max(len(forest.title_lines(cell, letters)) for cell in row)
               for row in rows]
    bands = " or ".join(f"±{100 * band:.0f} %" for band in sorted({cell.band for cell in cells}))
    caption = f"{INTERVALS} Grey band: {bands}, below which no effect is claimed. Arrows: beyond the axis."
    figure, axes = new_figure(len(rows), columns, 7.6 if columns == 1 else 4.4 * columns, 0.9 + ROW_INCHES * sum(heights),
                              title, caption, height_ratios=heights)
    for panel in axes.flat[len(cells):]:
        panel.set_visible(False)
    for cell, panel in zip(cells, axes.flat):
        forest.plot(cell, panel, low, high, letters)
    return finish(figure)


def _trade(cells: list[TradeData], memory: str) -> Figure:
    columns = min(max(2, _grid_columns(cells)), len(cells))
    rows = -(-len(cells) // columns)
    figure, axes = new_figure(rows, columns, 5.2 * columns, 0.7 + 3.3 * rows,
                              f"Time against {memory}, both against the baseline: lower left is better", INTERVALS)
    for panel in axes.flat[len(cells):]:
        panel.set_visible(False)
    for cell, panel in zip(cells, axes.flat):
        trade.plot(cell, panel)
    return finish(figure)


def _counts(rows: list[list[CountData]]) -> Figure:
    # major faults are drawn only where there are any
    rows = [[one for one in row if one.quantity != MAJOR_FAULTS or any(count.parts.get("major") for count in one.counts)]
            for row in rows]
    columns = max(len(row) for row in rows)
    heights = [max(len(one.counts) for one in row) + 2.6 for row in rows]
    figure, axes = new_figure(len(rows), columns, 1.6 + 3.1 * columns, 0.9 + ROW_INCHES * sum(heights),
                              "Page faults and system calls",
                              "Medians over blocks. Where no major faults are shown there were none: no memory pressure.",
                              height_ratios=heights)
    for row, panels in zip(rows, axes):
        for place, panel in enumerate(panels):
            if place < len(row):
                counts.plot(row[place], panel, named=place == 0)
            else:
                panel.set_visible(False)
    return finish(figure)


def _fragmentation(cells: list[SplitData]) -> Figure:
    columns = min(2, len(cells))
    rows = -(-len(cells) // columns)
    heights = [max(len(cell.splits) for cell in cells[row * columns:(row + 1) * columns]) + 3.4 for row in range(rows)]
    caption = ("Medians over blocks. Internal: rounded up inside objects; external: what else is still resident after the "
               "allocator was asked to release memory, every object alive; unreturned: what it then gave back.")
    figure, axes = new_figure(rows, columns, 2.6 + 4.2 * columns, 0.9 + ROW_INCHES * sum(heights),
                              "Where resident memory lies at the end", caption, height_ratios=heights)
    for panel in axes.flat[len(cells):]:
        panel.set_visible(False)
    for cell, panel in zip(cells, axes.flat):
        fragmentation.plot(cell, panel)
    fragmentation.add_legend(cells, axes[0, columns - 1])
    return finish(figure)


def _scaling(title: str, data: ScalingData) -> Figure:
    blocks = labels.joined([labels.blocks(number) for number in data.blocks_counts])
    missing = f" Without figures: {', '.join(data.missing)}." if data.missing else ""
    figure, axes = new_figure(1, 1, 7.6, 4.2, f"Scaling of {title}",
                              f"Centres of {blocks}; bars: 95 % intervals; dotted: the range of fewer than 8.{missing}")
    scaling.plot(data, axes[0, 0])
    return finish(figure)


def _sweep(sweep: Mapping[str, Any]) -> Figure:
    upper, lower = threshold_sweep.threshold_maps(sweep), threshold_sweep.top_pad_maps(sweep)
    measured = [place for place, data in enumerate(upper) if any(value is not None for row in data.values for value in row)]
    grid = [[maps[place] for place in measured] for maps in (upper, lower) if maps]
    heights = [len(maps[0].rows) + 1.6 for maps in grid]
    width = 1.6 + len(measured) * max(2.6, 0.68 * max(len(maps[0].columns) for maps in grid))
    blocks = sorted({row["blocks_count"] for row in sweep["rows"] if row["blocks_count"]})
    caption = (f"{sweep['reading']} Medians of {labels.joined([labels.blocks(number) for number in blocks])}; dark is much, "
               "by logarithm; empty: not part of the sweep.")
    figure, axes = new_figure(len(grid), len(measured), width, 0.9 + 0.46 * sum(heights),
                              f"glibc's thresholds on {title_of(sweep)}",
                              caption, height_ratios=heights)
    for maps, panels in zip(grid, axes):
        for place, (data, panel) in enumerate(zip(maps, panels)):
            threshold_sweep.plot(data, panel, named=place == 0)
    return finish(figure)


def _latency(view: CellView, runs: GroupRuns) -> Figure:
    steps = latency_steps(runs)
    figure, axes = new_figure(1, len(steps), 1.8 + 3.4 * len(steps), 3.9, f"Latency of {view.title}",
                              f"All calls of {labels.blocks(len(runs.blocks))}, those that faulted included; bands: the smallest "
                              "and largest block; a percentile is drawn while 10 calls lie above it."
                              f"{words_for_missing(view, 'latency')}", sharey=True)
    axes.flat[0].set_ylabel("latency of one call")
    for place, (step, panel) in enumerate(zip(steps, axes.flat)):
        percentiles.plot(percentile_data(runs, step), panel, named=place == len(steps) - 1)
    return finish(figure)


def _memory(view: CellView, runs: GroupRuns) -> Figure:
    figure, axes = new_figure(1, 2, 10.2, 3.8, f"Memory of {view.title}",
                              f"Lines: medians of {labels.blocks(len(runs.blocks))}; bands: the smallest and largest block; "
                              f"grey: bytes alive.{words_for_missing(view, 'memory')}")
    timelines.plot(timeline_data(runs), axes[0])
    return finish(figure)


def _course(view: CellView, data: CourseData) -> Figure:
    blocks = labels.blocks(data.tail_blocks_count)
    if data.rss_per_live and data.memory_blocks_count != data.tail_blocks_count:
        blocks = f"{labels.blocks(data.memory_blocks_count)} (memory) and {blocks} (responses)"
    figure, axes = new_figure(1, 2 if data.rss_per_live else 1, 10.2 if data.rss_per_live else 5.8, 4.0, f"The course of {view.title}",
                              f"Lines: medians of {blocks}; bands: the smallest and largest block; dotted: quarters of the run. "
                              f"Responses of an open loop, from when each was due.{words_for_missing(view, 'open_loop')}")
    courses.plot(data, axes[0])
    return finish(figure)


def _over_time(view: CellView, data: OverTimeData) -> Figure:
    missing = f" Without a line: {labels.joined(data.missing)}." if data.missing else ""
    figure, axes = new_figure(1, 1, 7.6, 3.6, f"Memory of {_shortened(heading(view))}",
                              f"Of each allocator the run of median length out of {labels.blocks(data.blocks_count)}; all its "
                              f"processes together, looked at from outside.{missing}")
    over_time.plot(data, axes[0, 0])
    return finish(figure)
