"""Compares two result folders: what they have in common, what may be compared of it, and with which verdict.

A is the baseline, B the candidate; every figure of an allocator in B is set against the same allocator's in A. A cell
is common where workload, parameters, threads, pass and purpose agree, an allocator where its spec is the same text.
`fingerprint` says which classes of metric two environments allow, `statistics` how each is compared. Time goes through
the baseline that both folders ran in the blocks of the cell; without one there is no verdict on it, only the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Iterator, Sequence

import numpy as np

from ..errors import HeapwiseError
from ..labels import cell as cell_words
from ..labels import joined, status_text
from ..records.fingerprint import Refusal, conditions_of, library_notes, refusals, same_library
from ..records.folder import Cell, ResultFolder
from ..records.metrics import Metric, metrics_of_group
from ..records.pairs import figures_of, pairs_of
from ..records.work import GroupWork
from .statistics import SIGNIFICANCE, Comparison, adjusted, compare_sittings, compare_through_baseline
from .summary import COMPARED_PURPOSES, allocators_of, comparison_entry, measured_metrics

ONE_SIDED_SHOWN = 4
_IN_LOCKSTEP = "measure both in lockstep: heapwise compare SPEC_A SPEC_B"
NO_COMMON_BASELINE = f"time of two sittings is not compared without a common baseline in their blocks; {_IN_LOCKSTEP}"
OTHER_BUILD = f"the common baseline {{}} is another build in B, so time is not compared through it; {_IN_LOCKSTEP}"


@dataclass(frozen=True)
class FolderComparison:
    """`entries` are as the schema lists comparisons; empty with something refused: the folders are incomparable."""

    baseline: ResultFolder
    candidate: ResultFolder
    refused: tuple[Refusal, ...]
    notes: tuple[str, ...]
    entries: tuple[dict[str, Any], ...]

    @property
    def incomparable(self) -> bool:
        return bool(self.refused) and not self.entries


@dataclass(frozen=True)
class _CommonCell:
    """A group of A and the same of B; `through` is the baseline in the blocks of both, `why_not` why there is none."""

    baseline: GroupWork
    candidate: GroupWork
    allocators: tuple[str, ...]
    through: str | None
    why_not: str

    @property
    def sides(self) -> tuple[GroupWork, GroupWork]:
        return self.candidate, self.baseline

    @cached_property
    def metrics(self) -> list[Metric]:
        """What either side measured and both could have: a side may have failed, a user's pattern be another one."""
        ours, theirs = self.baseline.runs.group, self.candidate.runs.group
        users = tuple(metric for metric in theirs.user_metrics if metric in ours.user_metrics)
        possible = metrics_of_group(replace(theirs, user_metrics=users))
        measured = {*measured_metrics(self.baseline), *measured_metrics(self.candidate)}
        return [metric for metric in possible if metric in measured]


@dataclass(frozen=True)
class _Figure:
    """One metric of one allocator in a common cell."""

    cell: _CommonCell
    allocator: str
    metric: Metric

    def samples(self) -> tuple[list[float], list[float]]:
        """The figures of B and of A; runs that failed or did other work have none."""
        return tuple([values[self.metric.name] for values in self._runs(work) if values and self.metric.name in values]
                     for work in self.cell.sides)

    def failed_count(self) -> int:
        return sum(values is None for work in self.cell.sides for values in self._runs(work))

    def _runs(self, work: GroupWork) -> Iterator[Any]:
        return (figures_of(work, record) for record in work.runs.records(self.allocator))


def compare_folders(baseline: ResultFolder, candidate: ResultFolder) -> FolderComparison:
    """Every figure that both folders have and that their environments allow to compare.

    Raises HeapwiseError where the folders have no cell with an allocator in common."""
    cells = list(_common_cells(baseline, candidate))
    if not cells:
        raise HeapwiseError(_nothing_in_common(baseline, candidate))
    refused = refusals(conditions_of(baseline.manifest), conditions_of(candidate.manifest))
    refused_classes = {refusal.metric_class for refusal in refused}
    figures = [_Figure(cell, allocator, metric) for cell in cells for metric in cell.metrics
               if metric.metric_class not in refused_classes for allocator in cell.allocators]
    compared = [_compared(figure) for figure in figures]
    results = adjusted([result for result, _ in compared], [figure.metric for figure in figures])
    entries = tuple(_entry(figure, result, reason) for figure, result, (_, reason) in zip(figures, results, compared))
    return FolderComparison(baseline, candidate, refused, tuple(_notes(baseline, candidate, cells)), entries)


def _common_cells(baseline: ResultFolder, candidate: ResultFolder) -> Iterator[_CommonCell]:
    """In the order of B's plan; an allocator in several groups of a cell (a pair each, say) counts in the first."""
    works, taken = _comparable_groups(baseline), set()
    for theirs in _comparable_groups(candidate):
        fitting = [work for work in works if _key(work) == _key(theirs)]
        if fitting:
            ours = max(fitting, key=lambda work: (work.runs.group.baseline == theirs.runs.group.baseline,
                                                  len(_common_allocators(work, theirs))))
            names = tuple(name for name in _common_allocators(ours, theirs) if (_key(theirs), name) not in taken)
            taken.update((_key(theirs), name) for name in names)
            if names:
                yield _CommonCell(ours, theirs, names, *_common_baseline(baseline, candidate, ours, theirs))


def _common_allocators(ours: GroupWork, theirs: GroupWork) -> list[str]:
    return [name for name in allocators_of(theirs.runs) if name in allocators_of(ours.runs)]


def _comparable_groups(folder: ResultFolder) -> list[GroupWork]:
    """The groups with figures to compare: some block is complete, and the pass has metrics."""
    return [GroupWork(runs) for runs in folder.groups
            if runs.blocks and runs.group.purpose in COMPARED_PURPOSES and metrics_of_group(runs.group)]


def _key(work: GroupWork) -> tuple[Cell, str]:
    return work.runs.group.cell, work.runs.group.purpose


def _common_baseline(baseline: ResultFolder, candidate: ResultFolder, ours: GroupWork,
                     theirs: GroupWork) -> tuple[str | None, str]:
    """The baseline of both groups, if it is the same build in both; and else why there is none."""
    spec = theirs.runs.group.baseline
    if ours.runs.group.baseline != spec:
        return None, NO_COMMON_BASELINE
    before, now = (next((one for one in folder.manifest["allocators"] if one["spec"] == spec), {})
                   for folder in (baseline, candidate))
    return (spec, "") if same_library(before, now) else (None, OTHER_BUILD.format(spec))


def _compared(figure: _Figure) -> tuple[Comparison, str | None]:
    """The comparison before p is adjusted, and why it has no verdict where there is a reason beside few runs."""
    candidate, baseline = figure.samples()
    if not candidate or not baseline:
        result = Comparison(0, _median(candidate), _median(baseline))
        return result, "; ".join(_why_no_data(figure, candidate, baseline))
    if figure.metric.metric_class != "noisy":
        return compare_sittings(candidate, baseline, figure.metric), None
    unjudged = Comparison(min(len(candidate), len(baseline)), _median(candidate), _median(baseline), verdict=None)
    through = figure.cell.through
    if through is None or through == figure.allocator:
        return unjudged, figure.cell.why_not or NO_COMMON_BASELINE
    pairs = [pairs_of(work, figure.allocator, figure.metric) for work in figure.cell.sides]
    if not all(pair.candidate.size for pair in pairs):
        return unjudged, f"in one folder no block has both {figure.allocator} and the baseline {through} ok"
    if any(pair.logs is None for pair in pairs):
        return unjudged, f"a figure of {figure.allocator} or of the baseline {through} is not above 0: no ratio"
    medians = (float(np.median(pair.candidate)) for pair in pairs)
    return compare_through_baseline(pairs[0].logs, pairs[1].logs, *medians, figure.metric), None


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None


def _why_no_data(figure: _Figure, candidate: Sequence[float], baseline: Sequence[float]) -> list[str]:
    """For each side without a figure, how its runs ended."""
    reasons = []
    for name, work, values in (("A", figure.cell.baseline, baseline), ("B", figure.cell.candidate, candidate)):
        if not values:
            records = work.runs.records(figure.allocator)
            words = [word for word in map(work.failure_words, records) if word is not None]
            reasons.append(f"{name}: {status_text(words, len(records)) or 'not measured'}")
    return reasons


def _entry(figure: _Figure, result: Comparison, reason: str | None) -> dict[str, Any]:
    group = figure.cell.candidate.runs.group
    entry = comparison_entry(group, figure.allocator, figure.allocator, figure.metric, result, figure.failed_count())
    if figure.metric.metric_class == "noisy" and result.ratio is not None:
        entry["through"] = figure.cell.through
    reason = reason or (undecided_reason(result, figure.metric) if result.verdict == "undecided" else None)
    return {**entry, "title": group.title, **({"reason": reason} if reason else {})}


def undecided_reason(result: Comparison, metric: Metric) -> str:
    """What keeps a comparison from a verdict."""
    if metric.metric_class == "exact":
        return "the figures of A and B overlap"
    if result.ratio is None:
        return "the interval of the differences reaches beyond what is negligible"
    half, band = result.ratio.half_width, f"the band of ±{100 * metric.band:g} % in which figures are the same"
    if half > metric.band:
        return f"the interval is ±{100 * half:.1f} %, wider than {band}"
    if result.p_adjusted is not None and result.p_adjusted >= SIGNIFICANCE:
        return f"p is {result.p_adjusted:.2f} after the adjustment for all comparisons"
    return f"the interval reaches over an edge of {band}"


def _notes(baseline: ResultFolder, candidate: ResultFolder, cells: Sequence[_CommonCell]) -> list[str]:
    notes = [f"{name}: {note}" for name, folder in (("A", baseline), ("B", candidate)) for note in folder.notes]
    notes.extend(library_notes(baseline.manifest["allocators"], candidate.manifest["allocators"]))
    for name, folder, index in (("A", baseline, 1), ("B", candidate, 0)):
        common = {(_key(cell.sides[index]), allocator) for cell in cells for allocator in cell.allocators}
        missing = _holdings(folder, common)
        notes.extend([f"only in {name}: {missing}"] if missing else [])
    notes.extend(note for cell in cells for note in _work_notes(cell))
    return notes


def _work_notes(cell: _CommonCell) -> list[str]:
    """Programs whose baseline made other things in B than in A: their figures may be of other work."""
    before = cell.baseline.agreed
    names = [product.name for product, value in cell.candidate.agreed.items() if before.get(product, value) != value]
    return [f"{_title(cell.candidate)}: {joined(names)} of B is not that of A; is it the same work?"] if names else []


def _nothing_in_common(baseline: ResultFolder, candidate: ResultFolder) -> str:
    holds = [f"{name} ({folder.path}) holds {_holdings(folder, set()) or 'no complete block'}"
             for name, folder in (("A", baseline), ("B", candidate))]
    return (f"nothing to compare: the folders have no cell with an allocator in common. {'. '.join(holds)}. "
            "Measure B with A's profile, workloads and allocators: "
            f"{' '.join(baseline.manifest.get('command_line', []))}")


def _holdings(folder: ResultFolder, common: set[tuple[tuple[Cell, str], str]]) -> str:
    """A folder's cells, with every parameter, that are not in `common`; the first few by name."""
    passes: dict[str, list[str]] = {}
    for work in _comparable_groups(folder):
        names = [name for name in allocators_of(work.runs) if (_key(work), name) not in common]
        if names:
            cell = work.runs.group.cell
            words = f"{cell_words(cell.workload, dict(cell.parameters), cell.threads)}, under {', '.join(names)}"
            passes.setdefault(words, []).append(cell.pass_name.replace("_", " "))
    found = [f"{words} ({', '.join(names)})" for words, names in passes.items()]
    more = [f"{len(found) - ONE_SIDED_SHOWN} more"] if len(found) > ONE_SIDED_SHOWN else []
    return "; ".join([*found[:ONE_SIDED_SHOWN], *more])


def _title(work: GroupWork) -> str:
    group = work.runs.group
    return cell_words(group.cell.workload, dict(group.cell.parameters), group.cell.threads, group.title)
