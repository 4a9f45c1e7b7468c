"""Makes a folder's summary.json: every comparison, the statuses, own costs, sweeps and findings.

Everything that is printed, drawn or written into the README comes from here; `results/schema.json`
lists the fields. Failed runs are counted, never averaged in.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Mapping

import numpy as np

from . import SCHEMA_VERSION
from .findings import failure_words, findings_of
from .folder import Cell, GroupRuns, ResultFolder
from .labels import status_text
from .metrics import METRICS, Metric, derive, metrics_of_pass
from .statistics import Comparison, adjusted, compare
from .sweep import sweeps

Summary = dict[str, Any]
COMPARED_PURPOSES = ("comparison", "sweep", "command")


def summarize_folder(folder: ResultFolder) -> Summary:
    """The summary of a folder, ready for JSON: no NaN, no Infinity."""
    manifest = folder.manifest
    groups = [_group_summary(runs) for runs in folder.groups]
    comparisons = [entry for purpose in COMPARED_PURPOSES for entry in _comparisons(folder, purpose)]
    notes = list(folder.notes)
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
        "allocators": manifest["allocators"],
        "metrics": [_metric_entry(metric) for metric in METRICS],
        "comparisons": comparisons,
        "groups": groups,
        "own_costs": _own_costs(groups),
        "sweeps": sweeps(groups, comparisons),
        "findings": [finding for runs in folder.groups for finding in findings_of(runs)],
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
            "metric_class": metric.metric_class, "pass": metric.pass_name, "band": metric.band}


def _values(runs: GroupRuns, allocator: str) -> list[Mapping[str, float] | None]:
    """The figures of each block; None where the run has none."""
    values = []
    for block in runs.blocks:
        record = block[allocator]
        failed = failure_words(record, block[runs.group.baseline]) is not None
        values.append(None if failed else derive(record.metrics, record.work))
    return values


def _group_summary(runs: GroupRuns) -> dict[str, Any]:
    group = runs.group
    return {**cell_fields(group.cell), "title": group.title, "pass": group.cell.pass_name, "purpose": group.purpose,
            "baseline": group.baseline, "blocks_planned_count": group.blocks_planned,
            "blocks_count": len(runs.blocks),
            "allocators": [_allocator_summary(runs, allocator) for allocator in allocators_of(runs)]}


def _allocator_summary(runs: GroupRuns, allocator: str) -> dict[str, Any]:
    figures = [values for values in _values(runs, allocator) if values is not None]
    words = [failure_words(block[allocator], block[runs.group.baseline]) for block in runs.blocks]
    names = dict.fromkeys(name for values in figures for name in values)
    medians = {name: float(np.median([values[name] for values in figures if name in values])) for name in names}
    return {"allocator": allocator, "ok_count": len(figures), "failed_count": len(runs.blocks) - len(figures),
            "statuses": dict(Counter(record.status for record in runs.records(allocator))),
            "status_text": status_text([word for word in words if word is not None], len(runs.blocks)),
            "medians": medians}


def _comparisons(folder: ResultFolder, purpose: str) -> list[dict[str, Any]]:
    """All comparisons of one purpose: one family for the adjustment of p."""
    found = [(runs, allocator, metric) for runs in folder.groups if runs.group.purpose == purpose and runs.blocks
             for allocator in allocators_of(runs)[1:] for metric in metrics_of_pass(runs.group.cell.pass_name)
             if _is_measured(runs, metric)]
    results = adjusted([_compare(*one) for one in found], [metric for _, _, metric in found])
    return [_entry(runs, allocator, metric, result) for (runs, allocator, metric), result in zip(found, results)]


def _is_measured(runs: GroupRuns, metric: Metric) -> bool:
    """Whether any run of the group has the metric: first_write exists only for some workloads."""
    return any(metric.name in values for allocator in allocators_of(runs)
               for values in _values(runs, allocator) if values is not None)


def _compare(runs: GroupRuns, allocator: str, metric: Metric) -> Comparison:
    both = zip(_values(runs, allocator), _values(runs, runs.group.baseline))
    pairs = [(ours[metric.name], theirs[metric.name]) for ours, theirs in both
             if ours is not None and theirs is not None and metric.name in ours and metric.name in theirs]
    return compare([ours for ours, _ in pairs], [theirs for _, theirs in pairs], metric)


def _entry(runs: GroupRuns, allocator: str, metric: Metric, result: Comparison) -> dict[str, Any]:
    failed = sum(values is None for values in _values(runs, allocator))
    entry = {**cell_fields(runs.group.cell), "pass": runs.group.cell.pass_name, "purpose": runs.group.purpose,
             "allocator": allocator, "baseline": runs.group.baseline, "metric": metric.name, "unit": metric.unit,
             "metric_class": metric.metric_class, "blocks_count": result.pairs_count, "failed_count": failed,
             "median": result.median, "baseline_median": result.baseline_median}
    for name, estimated in (("ratio", result.ratio), ("difference", result.difference)):
        entry[name] = estimated.centre if estimated else None
        entry[f"{name}_low"] = estimated.low if estimated else None
        entry[f"{name}_high"] = estimated.high if estimated else None
    return {**entry, "p_value": result.p_value, "p_adjusted": result.p_adjusted, "verdict": result.verdict}


def _own_costs(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    costs = []
    for group in groups:
        if group["purpose"] == "own_cost" and group["pass"] == "throughput":
            null = group["allocators"][0]
            costs.append({**{name: group[name] for name in ("workload", "parameters", "threads", "title", "blocks_count")},
                          "wall_per_operation_ns": null["medians"].get("wall_per_operation_ns"),
                          "status_text": null["status_text"]})
    return costs
