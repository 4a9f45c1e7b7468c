"""What more threads bring: cells of pass throughput that differ in their threads alone.

A row is an allocator at a number of threads: operations a second, the speed-up against the fewest threads of the same
allocator, and the ratio to the baseline at the same number of threads, which is the comparison made inside blocks. A
speed-up sets the blocks of one group against those of another, so it has the interval of two samples and no verdict.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any, Mapping, Sequence

import numpy as np

from ..labels import parse_spec
from ..records.cells import LENGTH_PARAMETER, Node, common_parameters, group_key
from ..records.folder import Group
from ..records.pairs import figures_of
from ..records.work import GroupWork
from .statistics import Estimate, estimate, shift

THREADS = "threads"
TIME = "wall_per_operation_ns"
RATIO_FIELDS = ("ratio", "ratio_low", "ratio_high", "verdict")


def scalings(works: Sequence[GroupWork], groups: Sequence[Node], comparisons: Sequence[Node]) -> list[dict[str, Any]]:
    """One for each cell that was measured with several numbers of threads. `groups` are the summaries of `works`."""
    times: dict[str, dict[str, Node]] = defaultdict(dict)
    for entry in comparisons:
        if entry["metric"] == TIME:
            times[group_key(entry)][entry["allocator"]] = entry
    alike: dict[tuple, list[tuple[GroupWork, Node]]] = {}
    for work, summary in zip(works, groups):
        if summary["purpose"] == "comparison" and summary["pass"] == "throughput":
            alike.setdefault(_without_threads(work.runs.group), []).append((work, summary))
    return [_scaling(sorted(members, key=lambda member: member[1][THREADS]), times) for members in alike.values()
            if len({summary[THREADS] for _, summary in members}) > 1]


def _without_threads(group: Group) -> tuple:
    """Equal for groups that differ in their threads, and in how long they are measured, alone."""
    kept = tuple(item for item in group.cell.parameters if item[0] not in (THREADS, LENGTH_PARAMETER))
    return group.cell.workload, kept, group.baseline


def _scaling(members: Sequence[tuple[GroupWork, Node]], times: Mapping[str, Mapping[str, Node]]) -> dict[str, Any]:
    _, first = members[0]
    fewest = {one["allocator"]: _logs(members[0][0], one["allocator"]) for one in first["allocators"]}
    rows = [_row(work, summary, one, fewest.get(one["allocator"], np.array([])), times[group_key(summary)])
            for work, summary in members for one in summary["allocators"]]
    parameters = common_parameters([summary for _, summary in members])
    return {"title": _title(first), "workload": first["workload"],
            "parameters": {key: value for key, value in parameters.items() if key not in (THREADS, LENGTH_PARAMETER)},
            "baseline": first["baseline"], "rows": rows}


def _title(group: Node) -> str:
    """The spec of a cell without its threads."""
    name, settings = parse_spec(group["title"] or group["workload"])
    words = ",".join(f"{key}={value}" for key, value in settings.items() if key != THREADS)
    return f"{name}:{words}" if words else name


def _logs(work: GroupWork, allocator: str) -> np.ndarray:
    """Logarithms of the time an operation in each block that has one."""
    figures = [figures_of(work, record) for record in work.runs.records(allocator)]
    return np.log([values[TIME] for values in figures if values is not None and values.get(TIME, 0) > 0])


def _row(work: GroupWork, summary: Node, one: Node, fewest: np.ndarray, times: Mapping[str, Node]) -> dict[str, Any]:
    logs = _logs(work, one["allocator"])
    rate = estimate(math.log(1e9) - logs) if logs.size else None
    speed_up = shift(fewest, logs) if logs.size and fewest.size else None
    comparison = times.get(one["allocator"], {})
    return {THREADS: summary[THREADS], "allocator": one["allocator"], "blocks_count": int(logs.size),
            "status_text": one["status_text"], **_fields("operations_per_second", rate), **_fields("speed_up", speed_up),
            **{name: comparison.get(name) for name in RATIO_FIELDS}}


def _fields(name: str, logs: Estimate | None) -> dict[str, float | None]:
    ends = {name: logs and logs.centre, f"{name}_low": logs and logs.low, f"{name}_high": logs and logs.high}
    return {field: None if value is None else math.exp(value) for field, value in ends.items()}
