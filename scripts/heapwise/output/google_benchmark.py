"""A folder's runs of one allocator as the JSON that Google Benchmark 1.7 writes, for the tools that read it.

One entry a block: its repetition. Names leave the allocator out, so that the files of two allocators, or of two
folders, are compared cell by cell. A run without figures has no entry. Google's own tools know nothing of blocks:
they compare the repetitions of two files as if these were independent, and a drift of the machine is in what they say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Callable, Iterable, Mapping, Sequence

import numpy as np

from ..inference.rules import title_of_group
from ..records.folder import Record, ResultFolder
from ..records.metrics import metrics_of_group
from ..records.pairs import figures_of
from ..records.work import GroupWork

# What an operation takes, or a whole program; a pass that has neither is not a benchmark to Google's tools.
TIMES = {"throughput": ("wall_per_operation_ns", "cpu_per_operation_ns"),
         "lockstep": ("wall_per_operation_ns", "cpu_per_operation_ns"), "command": ("wall_ns", "cpu_ns")}
_AGGREGATES: tuple[tuple[str, str, Callable[[np.ndarray], float]], ...] = (
    ("mean", "time", np.mean), ("median", "time", np.median),
    ("stddev", "time", lambda values: np.std(values, ddof=1)),
    ("cv", "percentage", lambda values: np.std(values, ddof=1) / np.mean(values)))


CELLS, SWEEP = ("comparison", "command"), ("sweep",)


@dataclass(frozen=True)
class Export:
    """The document, and how many runs have no entry because they have no figures."""

    document: dict[str, Any]
    left_out_count: int


def export(folder: ResultFolder, allocator: str, passes: Sequence[str], purposes: Sequence[str]) -> Export:
    """All groups of these passes and purposes in which the allocator ran.

    Cells and the sweep have a file each: Google's tools also take a mean over all that is in a file."""
    benchmarks: list[dict[str, Any]] = []
    left_out = 0
    for family, (name, work) in enumerate(_named(folder, passes, purposes)):
        if allocator not in (work.runs.group.baseline, *work.runs.group.allocators):
            continue
        runs = list(_measured_runs(work, allocator))
        left_out += len(work.runs.blocks) - len(runs)
        benchmarks.extend(_entries(name, family, work, runs))
    return Export({"context": _context(folder, allocator), "benchmarks": benchmarks}, left_out)


def _named(folder: ResultFolder, passes: Sequence[str], purposes: Sequence[str]) -> Iterable[tuple[str, GroupWork]]:
    """Each group with its cell as a name of its own, whichever allocator is exported."""
    taken: set[str] = set()
    for index, runs in enumerate(folder.groups):
        group = runs.group
        if group.cell.pass_name not in passes or group.purpose not in purposes:
            continue
        title = title_of_group(group)
        names = (title, f"{title} ({group.cell.pass_name})", f"{title} (group {index})")
        name = next(name for name in names if name not in taken)
        taken.add(name)
        yield name, GroupWork(runs)


def _measured_runs(work: GroupWork, allocator: str) -> Iterable[tuple[Record, Mapping[str, float]]]:
    times = TIMES[work.runs.group.cell.pass_name]
    for record in work.runs.records(allocator):
        figures = figures_of(work, record)
        if figures is not None and all(name in figures for name in times):
            yield record, figures


def _entries(name: str, family: int, work: GroupWork,
             runs: Sequence[tuple[Record, Mapping[str, float]]]) -> list[dict[str, Any]]:
    """The repetitions of one cell and, where there are two or more, what Google Benchmark makes of them."""
    group = work.runs.group
    wall, cpu = TIMES[group.cell.pass_name]
    common = {"family_index": family, "per_family_instance_index": 0, "run_name": name, "repetitions": len(runs),
              "threads": group.cell.threads}
    counters = [metric.name for metric in metrics_of_group(group) if metric.name not in (wall, cpu)]
    entries = [{"name": name, **common, "run_type": "iteration", "repetition_index": index,
                "iterations": record.work.get("operations_count", 1), "real_time": figures[wall], "cpu_time": figures[cpu],
                "time_unit": "ns", **{counter: figures[counter] for counter in counters if counter in figures}}
               for index, (record, figures) in enumerate(runs)]
    if len(runs) < 2:
        return entries
    times = [np.array([figures[time] for _, figures in runs]) for time in (wall, cpu)]
    return entries + [{"name": f"{name}_{word}", **common, "run_type": "aggregate", "aggregate_name": word,
                       "aggregate_unit": unit, "iterations": len(runs), "real_time": float(compute(times[0])),
                       "cpu_time": float(compute(times[1])), "time_unit": "ns"} for word, unit, compute in _AGGREGATES]


def _context(folder: ResultFolder, allocator: str) -> dict[str, Any]:
    """The machine. Its name is hashed, its frequency is not known (0); Google's keys, then ours."""
    manifest = folder.manifest
    environment = manifest["environment"]
    created = datetime.fromtimestamp(manifest.get("created_unix_ns", 0) // 1_000_000_000, timezone.utc)
    return {"date": created.isoformat(), "host_name": environment["hostname_hash"],
            "executable": (manifest.get("command_line") or ["heapwise"])[0], "num_cpus": environment["cpus_count"],
            "mhz_per_cpu": 0, "cpu_scaling_enabled": environment.get("governor") not in (None, "performance"),
            "caches": [], "load_avg": [], "library_build_type": environment.get("build_type") or "unknown",
            "heapwise_allocator": allocator, "cpu_model": environment["cpu_model"], "kernel": environment["kernel"],
            "libc": environment.get("libc") or "unknown"}
