"""What refmalloc is to reach, as data, and how far it is: its figures beside glibc's and the best peer's.

A target limits the median of one metric on one cell. The limits are the project's own design targets. Those of time are
in ns of a quiet machine with two virtual CPUs, so on any other the ratios to the others say more.

Where figures are from
  duels      a folder for each other allocator, in which refmalloc and it take turns in lockstep: time of single-threaded
             cells. The best peer is the one against which refmalloc's ratio is highest; refmalloc's figure is that of
             the same duel, because each duel is a sitting of its own
  full       whole runs, interleaved in blocks: threaded cells, latency, memory, faults
  thp        the same with huge pages for all that can have them
  try_true   an empty program

Ratios are those of `heapwise.inference.statistics`, inside blocks. What no folder has is None, never an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

import numpy as np

from .. import labels
from ..labels import parse_spec
from ..records.cells import group_key
from ..records.folder import GroupRuns, ResultFolder
from ..records.metrics import Metric, metric_named, negligible_of
from ..records.pairs import LOCKSTEP, figures_of, pairs_of
from ..records.work import GroupWork
from .statistics import Comparison, adjusted, compare

Node = Mapping[str, Any]
REFMALLOC, GLIBC, NULL = "refmalloc", "glibc", "null"
DUELS, FULL, THP, TRY_TRUE = "duel-", "full", "thp", "try-true"  # names of folders; of the duels how they begin
PURPOSES = ("comparison", "command")
TIME, PEAK_RSS, END_RSS, FAULTS = ("wall_per_operation_ns", "rss_peak_growth_bytes", "rss_end_growth_bytes", "minor_faults_count")
MB = 1e6
REALLOCS_OF_A_GROWTH = 28  # of realloc_growth by default
MOST_RSS_AGAINST_GLIBC = 1.05


@dataclass(frozen=True)
class Target:
    """A limit on the median of `metric`, in its unit. `cell`: as a plan's title has it; `words`: what the limit stands for."""

    cell: str
    source: str
    pass_name: str
    metric: str
    limit: float
    words: str = ""


TARGETS = (
    Target("small_churn:live=10K", DUELS, LOCKSTEP, TIME, 6.5),
    Target("small_churn:live=10K", FULL, "memory", PEAK_RSS, 6 * MB),
    Target("small_churn:live=100K", DUELS, LOCKSTEP, TIME, 18),
    Target("small_churn:live=1M", DUELS, LOCKSTEP, TIME, 60),
    Target("small_churn:live=1M", FULL, "memory", PEAK_RSS, 265 * MB),
    Target("small_churn:live=1M", THP, "throughput", TIME, 45),
    Target("small_churn:live=1M", THP, "memory", FAULTS, 3_000),
    Target("large_churn", DUELS, LOCKSTEP, TIME, 7_000),
    Target("large_churn", FULL, "memory", FAULTS, 11_000),
    Target("large_churn", THP, "throughput", TIME, 4_000),
    Target("large_churn", THP, "memory", PEAK_RSS, 45 * MB),
    Target("large_churn", THP, "memory", FAULTS, 100),
    Target("producer_consumer", FULL, "throughput", TIME, 18),
    Target("producer_consumer", FULL, "latency", "allocate_p999_ns", 300),
    Target("realloc_growth", DUELS, LOCKSTEP, TIME, 150e6 / REALLOCS_OF_A_GROWTH, "150 ms a growth to 256 MiB"),
    Target("asymmetric_free", FULL, "memory", PEAK_RSS, 55 * MB),
    Target("request_bursts", FULL, "memory", END_RSS, 12 * MB),
    Target("/bin/true", TRY_TRUE, "command", "rss_peak_bytes", 1.8 * MB),
)


@dataclass(frozen=True)
class Rival:
    """Another allocator in refmalloc's blocks: both medians, and refmalloc's comparison with it."""

    spec: str
    figure: float
    ours: float
    comparison: Comparison

    @property
    def is_glibc(self) -> bool:
        return parse_spec(self.spec)[0] == GLIBC


@dataclass(frozen=True)
class Standing:
    """What was measured for a target; None where it was not."""

    target: Target
    ours: float | None
    glibc: Rival | None
    best_peer: Rival | None

    @property
    def excess(self) -> float | None:
        """By which share of the limit refmalloc lies above it; 0 and less: the target is met."""
        return None if self.ours is None else self.ours / self.target.limit - 1


@dataclass(frozen=True)
class Miss:
    """A cell on which something does not hold, with refmalloc's ratio, None where a side has no figures; to `peer`, or glibc."""

    cell: str
    ratio: float | None
    peer: str = ""


@dataclass(frozen=True)
class Tally:
    """On which of so many cells something does not hold."""

    cells_count: int
    missed: tuple[Miss, ...]


def is_source(name: str) -> bool:
    """Whether targets are held against the folder of this name."""
    return name == FULL or is_source_only(name)


def is_source_only(name: str) -> bool:
    """Whether the folder of this name is there for the targets alone."""
    return name in (THP, TRY_TRUE) or name.startswith(DUELS)


def standings(folders: Mapping[str, ResultFolder]) -> list[Standing]:
    """Every target, in order; `folders` by name."""
    return [_standing(target, [folder for name, folder in sorted(folders.items())
                               if name == target.source or target.source == DUELS and name.startswith(DUELS)])
            for target in TARGETS]


def time_against_glibc(summary: Node) -> Tally:
    """The cells on which refmalloc is not faster than glibc, by the verdict."""
    entries = _entries_against_glibc(summary, TIME, "throughput")
    return Tally(len(entries), tuple(_miss(entry) for entry in entries if entry["verdict"] != "better"))


def memory_against_glibc(summary: Node) -> Tally:
    """The cells on which refmalloc's peak RSS is more than 5 % above glibc's."""
    entries = _entries_against_glibc(summary, PEAK_RSS, "memory")
    return Tally(len(entries), tuple(_miss(entry) for entry in entries if not _is_near_in_memory(entry)))


def time_against_peers(folder: ResultFolder) -> Tally:
    """The cells on which refmalloc is slower than the best peer: not `same`, not undecided, the interval above 1."""
    works = [GroupWork(runs) for runs in folder.groups
             if runs.group.purpose == "comparison" and runs.group.cell.pass_name == "throughput" and _spec_of_refmalloc(runs)]
    bests = [_best_peer(_rivals(work, metric_named(TIME, "throughput"))) for work in works]
    fought = [best for best in bests if best is not None]
    verdicts = iter(adjusted([best.comparison for best in fought], [metric_named(TIME, "throughput")] * len(fought)))
    missed = []
    for work, best in zip(works, bests):
        title = _title(work.runs)
        if best is None:
            missed.append(Miss(title, None))
        elif not _is_level(next(verdicts)):
            missed.append(Miss(title, best.comparison.ratio.centre, best.spec))
    return Tally(len(works), tuple(missed))


def _standing(target: Target, folders: Sequence[ResultFolder]) -> Standing:
    metric = metric_named(target.metric, target.pass_name)
    works = [GroupWork(runs) for folder in folders for runs in folder.groups if _is_of(target, runs)]
    rivals = [rival for work in works for rival in _rivals(work, metric)]
    glibc = next((rival for rival in rivals if rival.is_glibc), None)
    best = _best_peer(rivals)
    alone = (_median(work, _spec_of_refmalloc(work.runs), metric) for work in works)
    ours = best.ours if best else glibc.ours if glibc else next((median for median in alone if median is not None), None)
    return Standing(target, ours, glibc, best)


def _is_of(target: Target, runs: GroupRuns) -> bool:
    group = runs.group
    return (group.purpose in PURPOSES and group.cell.pass_name == target.pass_name and _spec_of_refmalloc(runs) is not None
            and _title(runs, threads=1) == target.cell)


def _rivals(work: GroupWork, metric: Metric) -> list[Rival]:
    """The others with figures in refmalloc's blocks."""
    ours = _spec_of_refmalloc(work.runs)
    found = []
    for spec in dict.fromkeys((work.runs.group.baseline, *work.runs.group.allocators)):
        if parse_spec(spec)[0] in (REFMALLOC, NULL):
            continue
        pairs = pairs_of(work, ours, metric, against=spec)
        comparison = compare(pairs.candidate, pairs.baseline, metric, pairs.logs)
        if comparison.pairs_count:
            found.append(Rival(spec, comparison.baseline_median, comparison.median, comparison))
    return found


def _best_peer(rivals: Sequence[Rival]) -> Rival | None:
    """Of several sittings too: who has the least in shares of what refmalloc had at the same time."""
    peers = [rival for rival in rivals if not rival.is_glibc]
    return min(peers, key=lambda peer: peer.figure / peer.ours if peer.ours > 0 else peer.figure, default=None)


def _spec_of_refmalloc(runs: GroupRuns) -> str | None:
    specs = (runs.group.baseline, *runs.group.allocators)
    return next((spec for spec in specs if parse_spec(spec)[0] == REFMALLOC), None)


def _median(work: GroupWork, spec: str, metric: Metric) -> float | None:
    figures = (figures_of(work, record) for record in work.runs.records(spec))
    values = [values[metric.name] for values in figures if values is not None and metric.name in values]
    return float(np.median(values)) if values else None


def _title(runs: GroupRuns, threads: int | None = None) -> str:
    """With 1 thread: the spec alone."""
    measured = runs.group.cell
    return labels.cell(measured.workload, dict(measured.parameters), threads or measured.threads, runs.group.title)


def _is_level(comparison: Comparison) -> bool:
    """Also where there are too few blocks for a verdict and the range reaches 1."""
    return comparison.verdict in ("better", "same", "undecided") or comparison.ratio.low <= 1


def _entries_against_glibc(summary: Node, metric: str, pass_name: str) -> list[Node]:
    """refmalloc's comparisons with glibc, each with its cell's title."""
    titles = {group_key(group): labels.cell(group["workload"], group["parameters"], group["threads"], group["title"])
              for group in summary["groups"]}
    return [{**entry, "title": titles[group_key(entry)]} for entry in summary["comparisons"]
            if (entry["purpose"], entry["metric"], entry["pass"]) == ("comparison", metric, pass_name)
            and parse_spec(entry["allocator"])[0] == REFMALLOC and parse_spec(entry["baseline"])[0] == GLIBC]


def _is_near_in_memory(entry: Node) -> bool:
    if entry["ratio"] is None:
        return entry["difference"] is not None and entry["difference"] <= negligible_of(entry["metric"], entry["pass"])
    return entry["ratio"] <= MOST_RSS_AGAINST_GLIBC


def _miss(entry: Node) -> Miss:
    return Miss(entry["title"], entry["ratio"])
