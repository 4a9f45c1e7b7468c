"""What a result folder has to say about a truth: the figures it is measured by, and whether it holds there.

The verdict of one figure
  holds               its 95 % interval lies inside the tolerance; of faults, memory and system calls,
                      which hardly vary, every run does
  does not hold       all of it lies outside, on one side; of an exact truth (`every_run`) one run does
  undecided           neither, or too few runs: a time takes as many as any verdict, faults and memory two
  not in this folder  no such cell or allocator, or a machine on which the truth cannot be tested
Of several cells the worst counts; those with too few runs are passed over where another has enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any, Callable, Iterable, Mapping, Sequence

import numpy as np

from ..labels import parse_scaled, parse_spec
from ..records.cells import LENGTH_PARAMETER
from ..records.folder import Group, Record, ResultFolder
from ..records.metrics import METRICS, STEPS, Metric
from ..records.pairs import figures_of, pairs_of
from ..records.work import GroupWork
from .remedies import remedy, wanted
from .rules import RULES, title_of_group
from .statistics import FEWEST_PAIRS_FOR_VERDICT, Comparison, adjusted, compare, estimate
from .summary import allocators_of
from .truths import CellRatio, Cells, EveryRun, Figure, Machine, OrderChanges, Ratio, SameLibrary, Tolerance, Truth

HOLDS, FAILS, UNDECIDED, ABSENT = "holds", "does not hold", "undecided", "not in this folder"
FEWEST_RUNS = {"noisy": FEWEST_PAIRS_FOR_VERDICT, "near_exact": 2, "exact": 1}
RATIO = "ratio"
BREACHES = "breaches"


@dataclass(frozen=True)
class Measured:
    """One figure that bears on a truth, of the cell `title`; `value`, `low` and `high` are None where no run has it.

    `too_few`: it is undecided for want of runs and not because of what they say."""

    title: str
    pass_name: str
    allocator: str
    against: str | None
    unit: str
    runs_count: int
    verdict: str
    reason: str = ""
    too_few: bool = False
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Finding:
    """The verdict on a truth. `reason`: why it does not hold or is open; `remedy`: the line to run, if there is one."""

    truth: Truth
    verdict: str
    reason: str
    remedy: str
    measured: tuple[Measured, ...]


def findings_of_truths(folder: ResultFolder, truths: Sequence[Truth]) -> list[Finding]:
    """One finding for each truth, in their order."""
    works = [GroupWork(runs) for runs in folder.groups]
    return [_finding(folder, works, truth) for truth in truths]


def _finding(folder: ResultFolder, works: Sequence[GroupWork], truth: Truth) -> Finding:
    untestable = _untestable(truth.machine, folder.manifest["environment"])
    if untestable:
        return Finding(truth, ABSENT, f"not testable there: {untestable}", "", ())
    measured = tuple(_CHECKS[type(truth.check)](works, truth.check))
    if not measured:
        return Finding(truth, ABSENT, f"no runs of {wanted(truth.check)}", remedy(truth, folder.manifest), ())
    telling = [one for one in measured if not one.too_few] or measured
    verdict = next(verdict for verdict in (FAILS, UNDECIDED, HOLDS) if any(one.verdict == verdict for one in telling))
    reasons = dict.fromkeys(one.reason for one in telling if one.verdict == verdict and one.reason)
    line = remedy(truth, folder.manifest) if verdict == UNDECIDED else ""
    return Finding(truth, verdict, "; ".join(reasons), line, measured)


def _untestable(machine: Machine, environment: Mapping[str, Any]) -> str:
    """Why a truth cannot be tested on the folder's machine; nothing when it can."""
    libc = environment.get("libc") or "unknown"
    if not libc.startswith(machine.libc):
        return f"it is about {machine.libc}, the folder's C library is {libc}"
    if machine.page_bytes and environment["page_bytes"] != machine.page_bytes:
        return f"it counts pages of {machine.page_bytes} bytes, the folder's have {environment['page_bytes']}"
    if not machine.thp_always and environment.get("thp") == "always":
        return "it counts small pages, and the folder's transparent huge pages are `always`"
    if environment["cpus_count"] < machine.cpus_count:
        return f"it takes {machine.cpus_count} CPUs, the folder's machine has {environment['cpus_count']}"
    return ""


# The figures behind each kind of check.

def _figures(works: Sequence[GroupWork], check: Figure) -> Iterable[Measured]:
    for work in works:
        metric, spec = metric_in(work, check.metric), _spec_of(work, check.allocator)
        if metric is not None and spec is not None and _matches(check.cells, work.runs.group):
            yield _judged(work, _values(work, spec, metric), metric, check.tolerance, spec)


def _ratios(works: Sequence[GroupWork], check: Ratio) -> Iterable[Measured]:
    for work in works:
        metric = metric_in(work, check.metric)
        ours, theirs = (_spec_of(work, spec) for spec in (check.allocator, check.against))
        if metric is not None and ours is not None and theirs is not None and _matches(check.cells, work.runs.group):
            yield _judged(work, _pair_logs(work, ours, metric, theirs), metric, check.tolerance, ours, theirs)


def _same_library(works: Sequence[GroupWork], check: SameLibrary) -> Iterable[Measured]:
    for work in works:
        for metric in filter(None, (metric_in(work, name) for name in check.metrics)):
            for theirs, ours in combinations(allocators_of(work.runs), 2):
                if _proof(work, ours) is not None and _proof(work, ours) == _proof(work, theirs):
                    yield _judged(work, _pair_logs(work, ours, metric, theirs), metric, check.tolerance, ours, theirs)


def _cell_ratios(works: Sequence[GroupWork], check: CellRatio) -> Iterable[Measured]:
    """Two cells share no block, so the interval is that of the quotient's worst ends."""
    for upper, lower in permutations(works, 2):
        metric, spec = metric_in(upper, check.metric), _spec_of(upper, check.allocator)
        if metric is None or spec is None or not _differ_in_one(upper.runs.group, lower.runs.group, check):
            continue
        if _spec_of(lower, check.allocator) == spec:
            values = [_values(work, spec, metric) for work in (upper, lower)]
            yield _quotient(upper, lower, values, metric, check.tolerance, spec)


def _every_run(works: Sequence[GroupWork], check: EveryRun) -> Iterable[Measured]:
    runs_count, breaches = RULES[check.rule](works)
    if runs_count:
        more = f" and {len(breaches) - 1} more" if len(breaches) > 1 else ""
        number = float(len(breaches))
        yield Measured("all runs", "", "", None, BREACHES, runs_count, FAILS if breaches else HOLDS,
                       breaches[0] + more if breaches else "", value=number, low=number, high=number)


def _order_changes(works: Sequence[GroupWork], check: OrderChanges) -> Iterable[Measured]:
    """The two cells between which two allocators change places most clearly, or come nearest to it."""
    contrasts = [_Contrast(names, slow, fast) for names, results in _orders(works, check).items() if len(results) > 1
                 for slow, fast in [(max(results, key=_centre), min(results, key=_centre))]]
    if not contrasts:
        return
    clearest = max(contrasts, key=lambda one: (one.rank, one.apart))
    fewest = min(result.pairs_count for one in contrasts for _, result in (one.slow, one.fast))
    too_few = clearest.rank < 2 and fewest < FEWEST_PAIRS_FOR_VERDICT
    few_allocators = clearest.rank == 0 and len(contrasts) < _FEWEST_ORDERS
    verdict = UNDECIDED if too_few or few_allocators else (FAILS, UNDECIDED, HOLDS)[clearest.rank]
    reason = {HOLDS: "", FAILS: "no two allocators change places between the cells",
              UNDECIDED: _too_few(fewest, "noisy") if too_few else "other allocators than these may change places"
              if few_allocators else "two change places, not significantly in both cells"}
    for group, result in (clearest.slow, clearest.fast):
        yield Measured(title_of_group(group), group.cell.pass_name, *clearest.names, RATIO, result.pairs_count, verdict,
                       reason[verdict], too_few, result.ratio.centre, result.ratio.low, result.ratio.high)


_CHECKS: Mapping[type, Callable[[Sequence[GroupWork], Any], Iterable[Measured]]] = {
    Figure: _figures, Ratio: _ratios, CellRatio: _cell_ratios, OrderChanges: _order_changes, SameLibrary: _same_library,
    EveryRun: _every_run}

# Which of two allocators is faster, and where.

_FEWEST_ORDERS = 3  # of the pairs that can be made of three allocators: of two alone, that they do not says little

_Ordered = tuple[Group, Comparison]


@dataclass(frozen=True)
class _Contrast:
    """The cells in which the first of two allocators is slowest and fastest against the second."""

    names: tuple[str, str]
    slow: _Ordered
    fast: _Ordered

    @property
    def rank(self) -> int:
        """2: they change places and both sides are significant; 1: they seem to; 0: they do not."""
        if (self.slow[1].verdict, self.fast[1].verdict) == ("worse", "better"):
            return 2
        return int(_centre(self.slow) > 1 > _centre(self.fast))

    @property
    def apart(self) -> float:
        return math.log(_centre(self.slow) / _centre(self.fast))


def _centre(one: _Ordered) -> float:
    return one[1].ratio.centre


def _orders(works: Sequence[GroupWork], check: OrderChanges) -> dict[tuple[str, str], list[_Ordered]]:
    """Each two allocators compared in each cell, as one family of tests."""
    tested = []
    for work in _distinct_cells(works, check):
        metric = metric_in(work, check.metric)
        for names in combinations(sorted(allocators_of(work.runs)), 2):
            pairs = pairs_of(work, names[0], metric, names[1])
            result = compare(pairs.candidate, pairs.baseline, metric, pairs.logs)
            tested.append((names, work.runs.group, metric, result))
    results = adjusted([one[3] for one in tested], [one[2] for one in tested])
    orders: dict[tuple[str, str], list[_Ordered]] = {}
    for (names, group, _, _), result in zip(tested, results):
        if result.ratio is not None:
            orders.setdefault(names, []).append((group, result))
    return orders


# From runs to a verdict.

def _judged(work: GroupWork, values: np.ndarray, metric: Metric, tolerance: Tolerance, allocator: str,
            against: str | None = None) -> Measured:
    """`values`: one figure a run, or, where there is an `against`, the log-ratio of each block."""
    group, unit = work.runs.group, RATIO if against else metric.unit
    about = (title_of_group(group), group.cell.pass_name, allocator, against, unit, int(values.size))
    if not values.size:
        return Measured(*about, UNDECIDED, _no_figure(work, (allocator, against or allocator)), too_few=True)
    interval, shown = estimate(values), np.exp if against else np.asarray
    ends = (values.min(), values.max()) if metric.metric_class != "noisy" else (interval.low, interval.high)
    centre = interval.centre if against else np.median(values)
    value, low, high = (float(shown(one)) for one in (centre, *ends))
    return Measured(*about, *_verdict(low, high, values.size, metric, tolerance), value, low, high)


def _quotient(upper: GroupWork, lower: GroupWork, sides: Sequence[np.ndarray], metric: Metric, tolerance: Tolerance,
              allocator: str) -> Measured:
    """Of one allocator's figures in two cells."""
    group, runs_count = upper.runs.group, min(side.size for side in sides)
    title = f"{title_of_group(group)} over {title_of_group(lower.runs.group)}"
    about = (title, group.cell.pass_name, allocator, None, RATIO, int(runs_count))
    if not runs_count or min(side.min() for side in sides) <= 0:
        return Measured(*about, UNDECIDED, "no figures above 0 in both cells", too_few=True)
    above, below = (estimate(side) for side in sides)
    low, high = above.low / below.high, above.high / below.low
    return Measured(*about, *_verdict(low, high, runs_count, metric, tolerance),
                    float(np.median(sides[0]) / np.median(sides[1])), low, high)


def _verdict(low: float, high: float, runs_count: int, metric: Metric, tolerance: Tolerance) -> tuple[str, str, bool]:
    """Verdict, reason and whether more runs are what it takes."""
    least = -math.inf if tolerance.low is None else tolerance.low
    most = math.inf if tolerance.high is None else tolerance.high
    inside, outside = least <= low and high <= most, high < least or low > most
    if tolerance.every_run and not inside:
        return FAILS, "" if outside else "some runs lie outside", False
    if runs_count < FEWEST_RUNS[metric.metric_class]:
        return UNDECIDED, _too_few(runs_count, metric.metric_class), True
    if inside or outside:
        return HOLDS if inside else FAILS, "", False
    return UNDECIDED, "it reaches over an end of what is expected", False


def _too_few(runs_count: int, metric_class: str) -> str:
    return f"{runs_count} runs where it takes {FEWEST_RUNS[metric_class]}"


def _no_figure(work: GroupWork, allocators: Iterable[str]) -> str:
    words = [work.failure_words(record) for allocator in allocators for record in work.runs.records(allocator)]
    failed = next(filter(None, words), "")
    return f"none of {len(work.runs.blocks)} runs has the figure" + (f" ({failed})" if failed else "")


def _pair_logs(work: GroupWork, allocator: str, metric: Metric, against: str) -> np.ndarray:
    """The log-ratio of each block. A figure below its probe's resolution counts as that much: a ratio to nothing is
    a large one, not none."""
    pairs = pairs_of(work, allocator, metric, against)
    if not metric.negligible and pairs.logs is not None:
        return pairs.logs
    floor = metric.negligible or np.finfo(float).tiny
    return np.log(np.maximum(pairs.candidate, floor) / np.maximum(pairs.baseline, floor))


# Figures of a run. Those of METRICS, and two that are compared nowhere.

def _rss_per_live_at_end(record: Record) -> float | None:
    """Growth of resident memory over what the workload holds, at the last moment of the timeline."""
    resident, live = record.timeline.get("rss_bytes"), record.timeline.get("live_bytes")
    if not resident or not live or live[-1] <= 0:
        return None
    return (resident[-1] - record.metrics["rss_before_bytes"]) / live[-1]


def _faults_per_thread(record: Record) -> float | None:
    """Of the whole region: all that getrusage counts, or, where every call is timed, the steps that faulted."""
    steps = [record.metrics[f"{step}_faulted_count"] for step in STEPS if f"{step}_faulted_count" in record.metrics]
    faults = record.metrics.get("minor_faults_count", sum(steps) if steps else None)
    return None if faults is None else faults / record.cell.threads


_OWN_METRICS = (
    Metric("rss_per_live_at_end", "RSS/live", "", "near_exact", "memory", 0.0),
    *(Metric("faults_per_thread", "faults/thread", "faults/thread", "near_exact", pass_name, 0.0)
      for pass_name in ("memory", "lockstep", "latency")),
)
_OWN_FIGURES = {"rss_per_live_at_end": _rss_per_live_at_end, "faults_per_thread": _faults_per_thread}


def metric_in(work: GroupWork, name: str) -> Metric | None:
    """The metric as the group's pass has it; None where it does not."""
    place = name, work.runs.group.cell.pass_name
    return next((metric for metric in (*METRICS, *_OWN_METRICS) if (metric.name, metric.pass_name) == place), None)


def _values(work: GroupWork, allocator: str, metric: Metric) -> np.ndarray:
    """The figure of each run that has it."""
    runs = [(record, figures) for record in work.runs.records(allocator)
            if (figures := figures_of(work, record)) is not None]
    own = _OWN_FIGURES.get(metric.name)
    found = (own(record) if own else figures.get(metric.name) for record, figures in runs)
    return np.array([value for value in found if value is not None], dtype=float)


# Which cells and allocators a truth is about.

def _matches(cells: Cells | None, group: Group) -> bool:
    if cells is None:
        return True
    parameters = dict(group.cell.parameters)
    return (cells.workload == group.cell.workload and group.cell.threads >= cells.threads
            and all(parameters.get(key) == value for key, value in cells.parameters.items())
            and all(parameters.get(key, 0) >= value for key, value in cells.at_least.items()))


def _spec_of(work: GroupWork, wanted_spec: str) -> str | None:
    """The group's spec that means the same: 131072 is 128K."""
    return next((spec for spec in allocators_of(work.runs) if _meaning(spec) == _meaning(wanted_spec)), None)


def _meaning(spec: str) -> tuple[str, dict[str, Any]]:
    name, settings = parse_spec(spec)
    sizes = {key: parse_scaled(value) for key, value in settings.items()}
    return name, {key: settings[key] if size is None else size for key, size in sizes.items()}


def _proof(work: GroupWork, allocator: str) -> tuple[Any, ...] | None:
    """The build and the settings that all ok runs proved; None where there is none or more than one."""
    proofs = {(record.identity.get("build_id") or record.identity.get("library_path"),
               tuple(sorted((one["key"], str(one["requested"])) for one in record.identity.get("settings", ()))))
              for record in work.runs.records(allocator) if record.ok}
    proof = next(iter(proofs)) if len(proofs) == 1 else None
    return proof if proof and proof[0] else None


def _differ_in_one(upper: Group, lower: Group, check: CellRatio) -> bool:
    """Whether two groups of the workload differ in one parameter, `upper` there and `lower` here, and nothing else."""
    if upper.cell.workload != check.workload or any(
            one(upper) != one(lower) for one in (lambda group: group.cell.workload, lambda group: group.cell.pass_name,
                                                 lambda group: group.cell.threads, lambda group: group.purpose)):
        return False
    theirs = dict(lower.cell.parameters)
    differing = [(value, theirs.get(key)) for key, value in upper.cell.parameters
                 if key != LENGTH_PARAMETER and value != theirs.get(key)]
    return differing == [(check.upper, check.lower)]


def _distinct_cells(works: Sequence[GroupWork], check: OrderChanges) -> list[GroupWork]:
    """The groups that have the metric, the first of each cell."""
    cells: dict[Any, GroupWork] = {}
    for work in works:
        group = work.runs.group
        if group.cell.workload == check.workload and metric_in(work, check.metric) and work.runs.blocks:
            cells.setdefault((group.cell.parameters, group.cell.threads), work)
    return list(cells.values())
