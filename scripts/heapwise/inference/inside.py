"""What an allocator says of itself, inside, beside what was seen of it outside, cell by cell.

Memory is what the workload added since before its first call, from the pass `memory`. Calls and
mechanisms are what happened in the measured region, from the pass `system_calls`: calls as the
allocator and as the tracer counted them, mechanisms for every 1000 operations. Medians over the ok
runs of complete blocks; an allocator that counts nothing of itself has no entry, one that lacks a
figure has none under that name.
"""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Sequence

import numpy as np

from ..records.cells import common_parameters, join_passes
from ..records.folder import Record
from ..records.metrics import SYSTEM_CALLS
from ..records.work import GroupWork

Node = dict[str, Any]

# By which of its statistics, added up, an allocator tells each view; the first that it has whole.
RESIDENT = (("resident_bytes",), ("resident_estimate_bytes",))
MAPPED = (("mapped_bytes",), ("extents_bytes", "retained_bytes"), ("heap_bytes", "mapped_objects_bytes"), ("heap_bytes",))
MECHANISMS = ("refills_count", "flushes_count", "remote_batches_count", "purges_count")
CALL_COUNTS = tuple(f"{call}_count" for call in SYSTEM_CALLS)
PER_OPERATIONS = 1000


def inside_views(works: Sequence[GroupWork], groups: Sequence[Node]) -> list[Node]:
    """One entry for each cell and allocator with statistics, in the order of the plan. `groups`: the summaries of `works`."""
    work_of = {id(group): work for work, group in zip(works, groups)}
    found = []
    for cell in join_passes(groups, "comparison"):
        passes = {group["pass"]: work_of[id(group)] for group in cell}
        for allocator in dict.fromkeys(one["allocator"] for group in cell for one in group["allocators"]):
            view = _view(passes, allocator)
            if view["inside"]:
                found.append({**{name: cell[0][name] for name in ("workload", "threads", "title")},
                              "parameters": common_parameters(cell), "allocator": allocator, **view})
    return found


def _view(passes: Mapping[str, GroupWork], allocator: str) -> Node:
    memory, calls = (_usable(passes.get(name), allocator) for name in ("memory", "system_calls"))
    outside = {**_medians(map(_memory_outside, memory)), **_medians(map(_calls_outside, calls))}
    inside = {**_medians(map(_memory_inside, memory)), **_medians(map(_calls_inside, calls))}
    rates = _medians(map(_rates, calls))
    return {"outside": {name: outside[name] for name in inside if name in outside}, "inside": inside,
            "mechanisms_per_1000_operations": rates}


def _usable(work: GroupWork | None, allocator: str) -> list[Record]:
    records = work.runs.records(allocator) if work is not None else ()
    return [record for record in records if record.ok and record.statistics]


def _medians(values: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Of each name that every run has."""
    runs = list(values)
    names = [name for name in runs[0] if all(name in run for run in runs)] if runs else []
    return {name: float(np.median([run[name] for run in runs])) for name in names}


def _growth(record: Record, since: str) -> dict[str, int]:
    first, last = (record.statistics.get(moment, {}) for moment in (since, "end"))
    return {name: last[name] - first[name] for name in last if name in first}


def _memory_inside(record: Record) -> dict[str, float]:
    growth = _growth(record, "before")
    told = {"resident_bytes": RESIDENT, "mapped_bytes": MAPPED}
    found = {name: next((parts for parts in ways if all(part in growth for part in parts)), None) for name, ways in told.items()}
    return {name: sum(growth[part] for part in parts) for name, parts in found.items() if parts}


def _memory_outside(record: Record) -> dict[str, float]:
    ends = {"resident_bytes": "rss", "mapped_bytes": "vsz"}
    return {name: record.metrics[f"{view}_end_bytes"] - record.metrics[f"{view}_before_bytes"] for name, view in ends.items()}


def _calls_inside(record: Record) -> dict[str, float]:
    growth = _growth(record, "begin")
    return {name: growth[name] for name in CALL_COUNTS if name in growth}


def _calls_outside(record: Record) -> dict[str, float]:
    return {name: record.metrics[name] for name in CALL_COUNTS}


def _rates(record: Record) -> dict[str, float]:
    growth, operations = _growth(record, "begin"), record.work["operations_count"]
    return {name: PER_OPERATIONS * growth[name] / operations for name in MECHANISMS if name in growth and operations}
