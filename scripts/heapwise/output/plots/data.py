"""What the pictures show, made from a folder and its summary: histograms merged over blocks,
timelines joined, ratios picked. All arithmetic is here; the plots only draw."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from ... import labels
from ...inference.statistics import FEWEST_PAIRS_FOR_VERDICT
from ...records.cells import cell_key
from ...records.folder import GroupRuns, Record, ResultFolder
from ...records.metrics import RESIDENT_PARTS, STEPS, SYSTEM_CALLS
from ...records.work import GroupWork
from ..program_tables import TIME, TREE, peak_memory
from ..scaling_tables import allocators_of
from ..tables import CellView, cell_views

Summary = Mapping[str, Any]
Course = tuple[list[int], np.ndarray]  # operations done and a figure at each point
# A quantile is drawn while this many calls lie above it.
FEWEST_CALLS_ABOVE = 10
CURVE_POINTS = 240
# A line over time is drawn from this many looks on.
FEWEST_LOOKS = 3
MAJOR_FAULTS = "major faults"


@dataclass(frozen=True)
class Curve:
    """Quantiles of one allocator: `nines` is -log10(1 - quantile); low and high are over blocks."""

    spec: str
    nines: np.ndarray
    values_ns: np.ndarray
    low_ns: np.ndarray
    high_ns: np.ndarray


@dataclass(frozen=True)
class PercentileData:
    step: str
    curves: tuple[Curve, ...]
    calls_count: int
    blocks_count: int
    floor_ns: float | None


@dataclass(frozen=True)
class MemoryLine:
    """Growth over the start of the region at operation counts; low and high are over blocks."""

    spec: str
    operations: np.ndarray
    rss_bytes: np.ndarray
    rss_low_bytes: np.ndarray
    rss_high_bytes: np.ndarray
    vsz_bytes: np.ndarray
    vsz_low_bytes: np.ndarray
    vsz_high_bytes: np.ndarray


@dataclass(frozen=True)
class TimelineData:
    lines: tuple[MemoryLine, ...]
    live_operations: np.ndarray
    live_bytes: np.ndarray
    blocks_count: int


@dataclass(frozen=True)
class CourseLine:
    """A figure of one allocator over the operations of its runs; low and high are over blocks."""

    spec: str
    operations: np.ndarray
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class CourseData:
    """`rss_per_live`: growth of RSS over live bytes; `tail_ns`: p99.9 of each slice's responses. Either may be empty."""

    rss_per_live: tuple[CourseLine, ...]
    tail_ns: tuple[CourseLine, ...]
    memory_blocks_count: int
    tail_blocks_count: int


@dataclass(frozen=True)
class Ratio:
    """A ratio to the baseline; without `value` the words say why. `ranged`: low and high are a range."""

    spec: str
    value: float | None
    low: float | None
    high: float | None
    ranged: bool = False
    words: str = ""


@dataclass(frozen=True)
class RatioData:
    cell: str
    baseline: str
    baseline_text: str
    ratios: tuple[Ratio, ...]
    blocks_count: int
    band: float


@dataclass(frozen=True)
class TradeData:
    """Time and peak memory of each allocator, both against the baseline; words name those without."""

    cell: str
    baseline: str
    points: tuple[tuple[Ratio, Ratio], ...]
    missing: tuple[str, ...]
    time_words: str
    memory_words: str
    time_blocks_count: int
    memory_blocks_count: int


@dataclass(frozen=True)
class RunLine:
    """The memory of one run, all its processes together, over the time since its start."""

    spec: str
    elapsed_seconds: np.ndarray
    tree_bytes: np.ndarray


@dataclass(frozen=True)
class OverTimeData:
    """Of each allocator the run of median length; words name those without."""

    lines: tuple[RunLine, ...]
    missing: tuple[str, ...]
    blocks_count: int


@dataclass(frozen=True)
class ScalingLine:
    """Operations a second of one allocator by number of threads. `ranged`: low and high are a range."""

    spec: str
    threads: np.ndarray
    rates: np.ndarray
    low: np.ndarray
    high: np.ndarray
    ranged: bool


@dataclass(frozen=True)
class ScalingData:
    """Words name the allocators without a line, and what is missing from the others'."""

    lines: tuple[ScalingLine, ...]
    missing: tuple[str, ...]
    blocks_counts: tuple[int, ...]
    cpus_count: int


@dataclass(frozen=True)
class Count:
    spec: str
    parts: Mapping[str, float]
    words: str = ""


@dataclass(frozen=True)
class CountData:
    cell: str
    quantity: str
    counts: tuple[Count, ...]
    blocks_count: int


@dataclass(frozen=True)
class Split:
    """The parts of an allocator's growth of RSS, and what is left of it when all was freed and released; None where
    nothing releases. Without parts the words say why."""

    spec: str
    parts: Mapping[str, float]
    empty_bytes: float | None = None
    words: str = ""


@dataclass(frozen=True)
class SplitData:
    cell: str
    splits: tuple[Split, ...]
    live_bytes: float
    blocks_count: int


def percentile_data(runs: GroupRuns, step: str) -> PercentileData:
    """Latency of one step. Failed runs have no histogram and so no curve."""
    curves, calls_counts = [], []
    for spec in runs.group.allocators:
        histograms = [record.histograms[f"{step}_ns"] for record in runs.records(spec)
                      if record.ok and record.histograms.get(f"{step}_ns")]
        if histograms:
            curve, calls = _curve(spec, histograms)
            curves.append(curve)
            calls_counts.append(calls)
    floors = [record.metrics["bracket_floor_ns"] for block in runs.blocks for record in block.values()
              if record.ok and "bracket_floor_ns" in record.metrics]
    return PercentileData(step, tuple(curves), min(calls_counts, default=0), len(runs.blocks),
                          float(np.median(floors)) if floors else None)


def latency_steps(runs: GroupRuns) -> list[str]:
    """The steps that some run timed."""
    return [step for step in STEPS if any(record.histograms.get(f"{step}_ns") for block in runs.blocks
                                          for record in block.values() if record.ok)]


def _curve(spec: str, histograms: Sequence[Sequence[Sequence[float]]]) -> tuple[Curve, int]:
    merged: Counter[float] = Counter()
    for histogram in histograms:
        merged.update({lower: number for lower, number in histogram})
    calls = sum(merged.values())
    most_nines = max(0.31, np.log10(max(calls, 2) / FEWEST_CALLS_ABOVE))
    nines = np.linspace(0.0, most_nines, CURVE_POINTS)
    each = np.array([_quantiles(histogram, nines) for histogram in histograms])
    # a block alone has fewer calls, so its own band ends earlier
    reach = np.log10(max(min(sum(n for _, n in h) for h in histograms), 2) / FEWEST_CALLS_ABOVE)
    inside = nines <= reach
    low, high = (np.where(inside, ends, np.nan) for ends in (each.min(axis=0), each.max(axis=0)))
    return Curve(spec, nines, _quantiles(sorted(merged.items()), nines), low, high), calls


def _quantiles(histogram: Sequence[Sequence[float]], nines: np.ndarray) -> np.ndarray:
    lower = np.array([bucket[0] for bucket in histogram], dtype=float)
    cumulative = np.cumsum([bucket[1] for bucket in histogram])
    wanted = (1 - 10.0 ** -nines) * cumulative[-1]
    return lower[np.minimum(np.searchsorted(cumulative, wanted, side="right"), lower.size - 1)]


def timeline_data(runs: GroupRuns) -> TimelineData | None:
    """RSS and VSZ over operations; None when no run has a timeline."""
    lines = []
    live: tuple[np.ndarray, np.ndarray] | None = None
    for spec in runs.group.allocators:
        records = [record for record in runs.records(spec) if record.ok and record.timeline.get("operations_count")]
        first = records[0].timeline if records else None
        records = [record for record in records if record.timeline["operations_count"] == first["operations_count"]]
        if not records:
            continue
        lines.append(_memory_line(spec, records))
        if live is None and first.get("live_bytes"):
            live = np.array(first["operations_count"]), np.array(first["live_bytes"], dtype=float)
    if not lines:
        return None
    operations, live_bytes = live or (np.array([]), np.array([]))
    return TimelineData(tuple(lines), operations, live_bytes, len(runs.blocks))


def _memory_line(spec: str, records: Sequence[Record]) -> MemoryLine:
    rss = np.array([np.array(record.timeline["rss_bytes"], dtype=float) - record.metrics["rss_before_bytes"]
                    for record in records])
    vsz = np.array([record.timeline["vsz_bytes"] for record in records], dtype=float)
    return MemoryLine(spec, np.array(records[0].timeline["operations_count"]), np.median(rss, axis=0), rss.min(axis=0),
                      rss.max(axis=0), np.median(vsz, axis=0), vsz.min(axis=0), vsz.max(axis=0))


def course_data(memory: GroupRuns | None, tail: GroupRuns | None) -> CourseData | None:
    """Of the runs of passes memory and open_loop over one cell; None where no run of the latter has slices."""
    tails = _course_lines(tail, _tail_of)
    if not tails:
        return None
    return CourseData(_course_lines(memory, _rss_per_live_of), tails, len(memory.blocks) if memory else 0, len(tail.blocks))


def _course_lines(runs: GroupRuns | None, course_of: Callable[[Record], Course | None]) -> tuple[CourseLine, ...]:
    """A line for each allocator, of its ok runs with the points of the first."""
    lines = []
    for spec in runs.group.allocators if runs is not None else ():
        courses = [course for record in runs.records(spec) if record.ok and (course := course_of(record)) is not None]
        values = np.array([figures for operations, figures in courses if operations == courses[0][0]])
        if courses:
            lines.append(CourseLine(spec, np.array(courses[0][0]), np.median(values, axis=0), values.min(axis=0), values.max(axis=0)))
    return tuple(lines)


def _rss_per_live_of(record: Record) -> Course | None:
    """Of the points inside the region; None where nothing is alive at times, or there is no timeline."""
    timeline = record.timeline
    live = np.array(timeline.get("live_bytes", ()), dtype=float)[1:]
    if not live.size or (live <= 0).any():
        return None
    grown = np.array(timeline["rss_bytes"], dtype=float)[1:] - record.metrics["rss_before_bytes"]
    return timeline["operations_count"][1:], grown / live


def _tail_of(record: Record) -> Course | None:
    tail = np.array(record.timeline.get("request_p999_ns", ()), dtype=float)
    return (record.timeline["operations_count"], tail) if tail.size >= FEWEST_LOOKS and (tail > 0).all() else None


def ratio_of(view: CellView, pass_name: str, spec: str, metric: str) -> Ratio:
    """The ratio of a summary, or the words that stand for it."""
    runs = view.runs(pass_name, spec)
    entry = view.comparison(pass_name, spec, metric)
    if runs is None:
        return Ratio(spec, None, None, None, words="not run")
    if entry is None or entry["ratio"] is None:
        return Ratio(spec, None, None, None, words=runs["status_text"] or "no ratio: a value is 0")
    return Ratio(spec, entry["ratio"], entry["ratio_low"], entry["ratio_high"],
                 ranged=entry["blocks_count"] < FEWEST_PAIRS_FOR_VERDICT)


def brief(words: str) -> str:
    """A status text without its details: `library missing: install …` → `library missing`."""
    return words.split(":")[0].split(";")[0]


def words_for_missing(view: CellView, pass_name: str) -> str:
    """` Without figures: mine (crashed).` for a caption; nothing where every allocator has figures."""
    missing = []
    for spec in view.allocators:
        runs = view.runs(pass_name, spec)
        if runs is None or runs["ok_count"] == 0:
            missing.append(f"{spec} ({brief(runs['status_text'] or 'no blocks') if runs else 'not run'})")
    return f" Without figures: {', '.join(missing)}." if missing else ""


def ratio_data(view: CellView, name: str, pass_name: str, metric: str, baseline_text: str, band: float) -> RatioData:
    others = [spec for spec in view.allocators if spec != view.baseline]
    return RatioData(name, view.baseline, baseline_text,
                     tuple(ratio_of(view, pass_name, spec, metric) for spec in others),
                     view.groups[pass_name]["blocks_count"], band)


def trade_data(view: CellView, name: str) -> TradeData | None:
    """None where time or memory was not measured or the baseline has no figures."""
    if not {"throughput", "memory"} <= view.groups.keys():
        return None
    return _trade(view, name, ("throughput", "wall_per_operation_ns", "time / operation"),
                  ("memory", "rss_peak_growth_bytes", "peak RSS"))


def program_trade_data(view: CellView, name: str) -> TradeData | None:
    """Of a whole program; None where the baseline has no figures."""
    if "command" not in view.groups:
        return None
    memory = peak_memory(view)
    words = "peak memory" if memory == TREE else memory.heading
    return _trade(view, name, ("command", TIME.metric, TIME.heading), ("command", memory.metric, words))


def _trade(view: CellView, name: str, time: tuple[str, str, str], memory: tuple[str, str, str]) -> TradeData | None:
    """`time` and `memory`: pass, metric and words."""
    pairs = [(ratio_of(view, time[0], spec, time[1]), ratio_of(view, memory[0], spec, memory[1]))
             for spec in view.allocators if spec != view.baseline]
    points = tuple(pair for pair in pairs if pair[0].value is not None and pair[1].value is not None)
    missing = tuple(f"{pair[0].spec}: {brief(pair[0].words or pair[1].words)}" for pair in pairs if pair not in points)
    if not points:
        return None
    return TradeData(name, view.baseline, points, missing, time[2], memory[2], view.groups[time[0]]["blocks_count"],
                     view.groups[memory[0]]["blocks_count"])


def over_time_data(runs: GroupRuns) -> OverTimeData | None:
    """None where no run was looked at often enough for a line."""
    shown = {spec: shown_run(runs, spec) for spec in runs.group.allocators}
    lines = tuple(RunLine(spec, np.array(record.timeline["elapsed_ns"]) / 1e9,
                          np.array(record.timeline["tree_bytes"], dtype=float))
                  for spec, record in shown.items() if record is not None)
    missing = tuple(spec for spec, record in shown.items() if record is None)
    return OverTimeData(lines, missing, len(runs.blocks)) if lines else None


def shown_run(runs: GroupRuns, spec: str) -> Record | None:
    """The run of median length among those with figures and a line over time."""
    work = GroupWork(runs)
    records = [record for record in runs.records(spec)
               if work.failure_words(record) is None and len(record.timeline.get("elapsed_ns", ())) >= FEWEST_LOOKS]
    records.sort(key=lambda record: record.timeline["elapsed_ns"][-1])
    return records[(len(records) - 1) // 2] if records else None


def scaling_data(scaling: Mapping[str, Any], cpus_count: int) -> ScalingData | None:
    """None where no allocator has figures."""
    lines, missing = [], []
    for spec in allocators_of(scaling):
        rows = [row for row in scaling["rows"] if row["allocator"] == spec]
        measured = [row for row in rows if row["operations_per_second"] is not None]
        missing.extend(f"{spec} with {labels.threads(row['threads'])} ({brief(row['status_text'] or 'no blocks')})"
                       for row in rows if row not in measured)
        if measured:
            threads, *ends = (np.array([row[name] for row in measured], dtype=float) for name in (
                "threads", "operations_per_second", "operations_per_second_low", "operations_per_second_high"))
            ranged = min(row["blocks_count"] for row in measured) < FEWEST_PAIRS_FOR_VERDICT
            lines.append(ScalingLine(spec, threads, *ends, ranged=ranged))
    counts = tuple(sorted({row["blocks_count"] for row in scaling["rows"] if row["blocks_count"]}))
    return ScalingData(tuple(lines), tuple(missing), counts, cpus_count) if lines else None


def count_data(view: CellView, name: str) -> list[CountData]:
    """Minor faults, major faults and system calls of one cell, where they were counted."""
    found = []
    if "memory" in view.groups:
        found.append(_counts(view, name, "memory", "minor faults / operation", {"minor": "minor_faults_per_operation"}))
        found.append(_counts(view, name, "memory", MAJOR_FAULTS, {"major": "major_faults_count"}))
    if "system_calls" in view.groups:
        parts = {call: f"{call}_per_operation" for call in SYSTEM_CALLS}
        found.append(_counts(view, name, "system_calls", "system calls / operation", parts))
    return found


def _counts(view: CellView, name: str, pass_name: str, quantity: str, parts: Mapping[str, str]) -> CountData:
    counts = []
    for spec in view.allocators:
        runs = view.runs(pass_name, spec)
        medians = runs["medians"] if runs else {}
        values = {part: medians[metric] for part, metric in parts.items() if metric in medians}
        words = "" if values else (runs["status_text"] or "no figures") if runs else "not run"
        counts.append(Count(spec, values, words))
    return CountData(name, quantity, tuple(counts), view.groups[pass_name]["blocks_count"])


def split_data(view: CellView, name: str) -> SplitData | None:
    """None where the pass `fragmentation` was not planned or has no figures."""
    if "fragmentation" not in view.groups:
        return None
    splits = []
    for spec in view.allocators:
        runs = view.runs("fragmentation", spec)
        medians = runs["medians"] if runs else {}
        parts = without_negatives({part: medians[part] for part in RESIDENT_PARTS if part in medians})
        words = "" if parts else (runs["status_text"] or "no figures") if runs else "not run"
        splits.append(Split(spec, parts, medians.get("rss_empty_growth_bytes"), words))
    live = [split.parts["live_bytes"] for split in splits if split.parts]
    return SplitData(name, tuple(splits), max(live), view.groups["fragmentation"]["blocks_count"]) if live else None


def without_negatives(parts: Mapping[str, float]) -> dict[str, float]:
    """A part below 0 taken away from those before it, the last first: usable bytes that nobody wrote are not resident."""
    kept: dict[str, float] = {}
    for part, value in parts.items():
        kept[part] = max(value, 0.0)
        missing = max(-value, 0.0)
        for earlier in reversed(kept):
            taken = min(kept[earlier], missing)
            kept[earlier] -= taken
            missing -= taken
    return kept


def runs_of_cell(folder: ResultFolder, view: CellView, pass_name: str) -> GroupRuns | None:
    """The raw runs behind a pass of a summary's cell."""
    group = view.groups.get(pass_name)
    if group is None:
        return None
    for runs in folder.groups:
        cell = runs.group.cell
        node = {"workload": cell.workload, "parameters": dict(cell.parameters), "threads": cell.threads}
        if (cell.pass_name == pass_name and runs.group.purpose == group["purpose"]
                and node["parameters"] == group["parameters"] and cell_key(node) == cell_key(group)):
            return runs
    return None


def comparison_views(summary: Summary) -> list[CellView]:
    return cell_views(summary, "comparison")
