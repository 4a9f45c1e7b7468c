"""Makes a folder's summary.json: every comparison, the statuses, own costs, sweeps, courses and findings.

Everything that is printed, drawn or written into the README comes from here; `results/schema.json`
lists the fields. Failed runs are counted, never averaged in.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any, Mapping, Sequence

import numpy as np

from .. import SCHEMA_VERSION
from ..labels import status_text
from ..records.folder import Cell, Group, GroupRuns, ResultFolder
from ..records.metrics import Metric, metrics_of_group, metrics_of_plan, tree_says_more
from ..records.pairs import figures_of, pairs_of
from ..records.work import GroupWork
from .endurance import endurance_views
from .findings import findings_of, notes_of, unequal_runs_count
from .inside import inside_views
from .scaling import scalings
from .statistics import Comparison, adjusted, compare
from .sweep import sweeps

Summary = dict[str, Any]
COMPARED_PURPOSES = ("comparison", "sweep", "command")


def summarize_folder(folder: ResultFolder) -> Summary:
    """The summary of a folder, ready for JSON: no NaN, no Infinity."""
    manifest = folder.manifest
    works = [GroupWork(runs) for runs in folder.groups]
    groups = [_group_summary(work) for work in works]
    comparisons = [entry for purpose in COMPARED_PURPOSES for entry in _comparisons(works, purpose)]
    notes = [*folder.notes, *(note for work in works for note in notes_of(work))]
    if not any(runs.blocks for runs in folder.groups):
        notes.append("no block is complete: nothing can be compared yet")
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": manifest["kind"],
        "created_unix_ns": manifest.get("created_unix_ns", 0),
        "command_line": manifest.get("command_line", []),
        "seed": manifest.get("seed", 0),
        "profile": manifest.get("profile", ""),
        "environment": manifest["environment"],
        "memory_limit_bytes": manifest.get("memory_limit_bytes"),
        "allocators": manifest["allocators"],
        "metrics": [_metric_entry(metric) for metric in metrics_of_plan([runs.group for runs in folder.groups])],
        "comparisons": comparisons,
        "groups": groups,
        "own_costs": _own_costs(groups),
        "sweeps": sweeps(groups, comparisons),
        "scaling": scalings(works, groups, comparisons),
        "inside": inside_views(works, groups),
        "endurance": endurance_views(works, groups),
        "findings": [finding for work in works for finding in findings_of(work)],
        "unequal_runs_count": unequal_runs_count(works),
        "notes": notes,
    }


def cell_fields(cell: Cell) -> dict[str, Any]:
    return {"workload": cell.workload, "parameters": dict(cell.parameters), "threads": cell.threads}


def allocators_of(runs: GroupRuns) -> list[str]:
    """The group's allocators in the order of the plan, the baseline first."""
    baseline = runs.group.baseline
    return [baseline, *(name for name in runs.group.allocators if name != baseline)]


def _metric_entry(metric: Metric) -> dict[str, Any]:
    return {"metric": metric.name, "label": metric.label, "unit": metric.unit,
            "metric_class": metric.metric_class, "pass": metric.pass_name, "band": metric.band, "better": metric.better}


def _values(work: GroupWork, allocator: str) -> list[Mapping[str, float] | None]:
    """The figures of each block; None where the run has none."""
    return [figures_of(work, record) for record in work.runs.records(allocator)]


def _group_summary(work: GroupWork) -> dict[str, Any]:
    group = work.runs.group
    return {**cell_fields(group.cell), "title": group.title, "pass": group.cell.pass_name, "purpose": group.purpose,
            "baseline": group.baseline, **_program_fields(group), "blocks_planned_count": group.blocks_planned,
            "blocks_count": len(work.runs.blocks),
            "allocators": [_allocator_summary(work, allocator) for allocator in allocators_of(work.runs)]}


def _program_fields(group: Group) -> dict[str, Any]:
    """What tables need of a command beside its cell; nothing for others."""
    fields: dict[str, Any] = {}
    if group.program is not None:
        fields["program"] = asdict(group.program)
    if group.user_metrics:
        fields["user_metrics"] = [asdict(metric) for metric in group.user_metrics]
    return fields


def _allocator_summary(work: GroupWork, allocator: str) -> dict[str, Any]:
    records, blocks_count = work.runs.records(allocator), len(work.runs.blocks)
    words = [word for word in map(work.failure_words, records) if word is not None]
    unequal = Counter(product.kind for record in records for product in work.differences(record))
    return {"allocator": allocator, "ok_count": blocks_count - len(words), "failed_count": len(words),
            "statuses": dict(Counter(record.status for record in records)),
            **({"unequal": dict(unequal)} if unequal else {}),
            "status_text": status_text(words, blocks_count), "medians": _medians(work, allocator)}


def _comparisons(works: Sequence[GroupWork], purpose: str) -> list[dict[str, Any]]:
    """All comparisons of one purpose: one family for the adjustment of p."""
    found = [(work, allocator, metric) for work in works if work.runs.group.purpose == purpose and work.runs.blocks
             for allocator in allocators_of(work.runs)[1:] for metric in measured_metrics(work)]
    results = adjusted([_compare(*one) for one in found], [metric for _, _, metric in found])
    return [comparison_entry(work.runs.group, allocator, work.runs.group.baseline, metric, result, _failed_count(work, allocator))
            for (work, allocator, metric), result in zip(found, results)]


def measured_metrics(work: GroupWork) -> list[Metric]:
    """What is compared in a group and was measured there, in the order of its table."""
    return [metric for metric in metrics_of_group(work.runs.group)
            if _is_measured(work, metric) and not _is_repetition(work, metric)]


def _is_measured(work: GroupWork, metric: Metric) -> bool:
    """Whether any run of the group has the metric: first_write exists only for some workloads."""
    return any(metric.name in values for allocator in allocators_of(work.runs)
               for values in _values(work, allocator) if values is not None)


def _is_repetition(work: GroupWork, metric: Metric) -> bool:
    """Whether the metric is another one once more: the memory of all processes of a command that is one process."""
    if metric.name != "tree_peak_bytes":
        return False
    tree, largest = ({allocator: _medians(work, allocator).get(name, 0.0) for allocator in allocators_of(work.runs)}
                     for name in (metric.name, "rss_peak_bytes"))
    return not tree_says_more(tree, largest)


def _medians(work: GroupWork, allocator: str) -> dict[str, float]:
    figures = [values for values in _values(work, allocator) if values is not None]
    names = dict.fromkeys(name for values in figures for name in values)
    return {name: float(np.median([values[name] for values in figures if name in values])) for name in names}


def _compare(work: GroupWork, allocator: str, metric: Metric) -> Comparison:
    pairs = pairs_of(work, allocator, metric)
    return compare(pairs.candidate, pairs.baseline, metric, pairs.logs)


def _failed_count(work: GroupWork, allocator: str) -> int:
    return sum(values is None for values in _values(work, allocator))


def comparison_entry(group: Group, allocator: str, baseline: str, metric: Metric, result: Comparison,
                     failed_count: int) -> dict[str, Any]:
    """A comparison as the schema lists it."""
    entry = {**cell_fields(group.cell), "pass": group.cell.pass_name, "purpose": group.purpose,
             "allocator": allocator, "baseline": baseline, "metric": metric.name, "unit": metric.unit,
             "metric_class": metric.metric_class, "better": metric.better, "blocks_count": result.pairs_count,
             "failed_count": failed_count, "median": result.median, "baseline_median": result.baseline_median}
    return {**entry, **effect_fields(result), "p_value": result.p_value, "p_adjusted": result.p_adjusted, "verdict": result.verdict}


def effect_fields(result: Comparison) -> dict[str, float | None]:
    """Ratio and difference with their ends, as the schema lists them."""
    fields: dict[str, float | None] = {}
    for name, estimated in (("ratio", result.ratio), ("difference", result.difference)):
        fields[name] = estimated.centre if estimated else None
        fields[f"{name}_low"] = estimated.low if estimated else None
        fields[f"{name}_high"] = estimated.high if estimated else None
    return fields


def _own_costs(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    costs = []
    for group in groups:
        if group["purpose"] == "own_cost" and group["pass"] == "throughput":
            null = group["allocators"][0]
            costs.append({**{name: group[name] for name in ("workload", "parameters", "threads", "title", "blocks_count")},
                          "wall_per_operation_ns": null["medians"].get("wall_per_operation_ns"),
                          "status_text": null["status_text"]})
    return costs
