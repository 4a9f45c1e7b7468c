"""Builds synthetic result folders. Every figure here is invented; none was measured.

A `Plan` names groups and what each allocator's runs are like; `write_folder` writes the manifest and
the records, in blocks with a random order, from a fixed seed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping

import numpy as np

ENVIRONMENT = {
    "hostname_hash": "synthetic", "kernel": "Linux 0.0 (synthetic)", "cpu_model": "Synthetic CPU", "cpus_count": 2,
    "memory_bytes": 8 << 30, "swap_bytes": 0, "page_bytes": 4096, "thp": "madvise", "overcommit": 0,
    "governor": None, "isa": "synthetic", "libc": "glibc 0.0",
    "libraries": {"libc.so.6": "c0", "libstdc++.so.6": "57d0"}, "compiler": "g++ 0.0", "compiler_flags": "-O2", "build_type": "release",
    "virtualized": None,
}
OPERATIONS = 100_000
SLICES = 64  # of an open loop
MIB = 1 << 20


@dataclass(frozen=True)
class Behaviour:
    """What the runs of one allocator are like. `fails` maps a block to a status, or None to ok."""

    time_ns: float = 20.0
    rss_bytes: int = 64 * MIB
    vsz_bytes: int = 256 * MIB
    faults_per_operation: float = 0.15
    major_faults: int = 0
    calls_per_operation: float = 0.02
    noise: float = 0.08
    fails: Callable[[str, int], tuple[str, str] | None] = lambda pass_name, block: None
    output: Callable[[int], str] = lambda block: "same"
    exit_code: int = 0
    errors: Callable[[int], str] = lambda block: ""
    files: Callable[[int], Mapping[str, str]] = lambda block: {}
    state: Callable[[int], str | None] = lambda block: None
    user_figures: Callable[[int], Mapping[str, float]] = lambda block: {}
    remarks: Callable[[int], tuple[str, ...]] = lambda block: ()
    tree_bytes: int | None = None  # without it a command is as those recorded before tree memory was looked at
    share: tuple[float, float] = (0.85, 0.7)  # of the tree's memory: malloc's, live
    live_bytes: int | None = None  # at the end of the timeline; without it 80 % of rss_bytes
    releases: bool = True  # memory, when it is asked to
    statistics: bool = False  # counts itself, and is right: as all of what is seen outside were its own


@dataclass(frozen=True)
class GroupPlan:
    workload: str
    behaviours: Mapping[str, Behaviour]
    pass_name: str = "throughput"
    blocks: int = 8
    purpose: str = "comparison"
    baseline: str = "glibc"
    threads: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)
    user_metrics: tuple[Mapping[str, str], ...] = ()
    program: Mapping[str, Any] | None = None
    spec: str = ""

    @property
    def title(self) -> str:
        """`spec`, or as if every parameter but the size of a sweep were at its default."""
        return self.spec or (f"{self.workload}:size=1M" if self.purpose == "sweep" else self.workload)


def fails_always(status: str, detail: str = "", only_pass: str | None = None):
    return lambda pass_name, block: (status, detail) if only_pass in (None, pass_name) else None


def write_folder(path: Path, groups: list[GroupPlan], kind: str = "bench", seed: int = 7) -> Path:
    """Writes manifest.json and runs.jsonl for the groups; returns the folder."""
    path.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    records = [record for index, group in enumerate(groups) for block in range(group.blocks)
               for record in block_records(random, group, index, block)]
    for number, record in enumerate(records):
        record["run_id"] = f"run-{number:05d}"
    (path / "manifest.json").write_text(json.dumps(manifest(groups, kind, seed), indent=1))
    write_records(path, records)
    return path


def change_manifest(path: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """Lets `change` alter the manifest of a folder; returns the folder."""
    document = json.loads((path / "manifest.json").read_text())
    change(document)
    (path / "manifest.json").write_text(json.dumps(document, indent=1))
    return path


def write_records(path: Path, records: list[dict[str, Any]]) -> None:
    (path / "runs.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))


def read_records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path / "runs.jsonl").read_text().splitlines()]


def manifest(groups: list[GroupPlan], kind: str, seed: int) -> dict[str, Any]:
    specs = dict.fromkeys(spec for group in groups for spec in group.behaviours)
    programs = [{**group.program, "title": group.parameters["command"]} for group in groups
                if group.program and group.pass_name == "command"]
    return {
        "schema_version": 1, "kind": kind, "created_unix_ns": 1_700_000_000_000_000_000,
        "command_line": ["heapwise", kind, "synthetic"], "seed": seed, "profile": "synthetic", "time_budget_seconds": 0,
        "environment": ENVIRONMENT,
        "allocators": [{"spec": spec, "name": spec.partition(":")[0], "library_path": f"/synthetic/{spec.partition(':')[0]}.so",
                        "build_id": "00", "version": "0.0", "package": "synthetic"} for spec in specs],
        "plan": [{"title": group.title, "workload": group.workload, "parameters": dict(group.parameters), "threads": group.threads,
                  "pass": group.pass_name, "blocks": group.blocks, "purpose": group.purpose, "baseline": group.baseline,
                  "allocators": list(group.behaviours),
                  **({"metrics": [dict(metric) for metric in group.user_metrics]} if group.user_metrics else {})}
                 for group in groups],
        **({"programs": programs} if programs else {}),
    }


def block_records(random: np.random.Generator, group: GroupPlan, index: int, block: int,
                  attempt: int = 0) -> list[dict[str, Any]]:
    drift = float(np.exp(random.normal(0, 0.2)))  # what the machine did to the whole block
    names = list(group.behaviours)
    random.shuffle(names)
    return [_record(random, group, index, block, attempt, order, name, drift) for order, name in enumerate(names)]


def _record(random: np.random.Generator, group: GroupPlan, index: int, block: int, attempt: int, order: int,
            name: str, drift: float) -> dict[str, Any]:
    behaviour = group.behaviours[name]
    failure = behaviour.fails(group.pass_name, block)
    record: dict[str, Any] = {
        "schema_version": 1, "run_id": "run", "block": block, "attempt": attempt, "order": order, "seed": 1,
        "started_unix_ns": 1_700_000_000_000_000_000 + block,
        "cell": {"workload": group.workload, "parameters": dict(group.parameters), "allocator": name,
                 "threads": group.threads, "pass": group.pass_name},
        "status": failure[0] if failure else "ok", "status_detail": failure[1] if failure else "",
        "exit_code": None if failure else 0, "signal": 11 if failure and failure[0] == "crashed" else None,
    }
    if failure:
        return record
    noise = float(np.exp(random.normal(0, behaviour.noise))) * drift
    if group.pass_name in ("command", "malloc_share"):
        record["exit_code"] = behaviour.exit_code
        record["outcome"] = _outcome(behaviour, block)
        record.update(_share(behaviour) if group.pass_name == "malloc_share" else
                      _command(random, behaviour, noise, block, served=bool(group.program and "serve" in group.program)))
        return record
    record["identity"] = {"library_path": f"/synthetic/{name}.so", "build_id": "00", "version": "0.0",
                          "version_source": "synthetic", "settings": []}
    record["work"] = {"operations_count": OPERATIONS, "heap_calls_count": 2 * OPERATIONS,
                      "requested_bytes": 100 * OPERATIONS, "harness_bytes": 4 * MIB}
    record.update(_FIGURES[group.pass_name](random, behaviour, noise))
    return record


def _throughput(random: np.random.Generator, behaviour: Behaviour, noise: float) -> dict[str, Any]:
    time_ns = behaviour.time_ns * noise
    slices = (time_ns * OPERATIONS / 4 * np.exp(random.normal(0, 0.05, 4))).round(0)
    return {"metrics": {"wall_per_operation_ns": time_ns, "cpu_per_operation_ns": time_ns * 0.99,
                        "slice_ns": [float(value) for value in slices]}}


def _latency(random: np.random.Generator, behaviour: Behaviour, noise: float) -> dict[str, Any]:
    metrics: dict[str, Any] = {"bracket_floor_ns": 20.0}
    histograms = {}
    for step, share in (("allocate", 1.0), ("first_write", 0.6), ("free", 0.7)):
        calls = behaviour.time_ns * share * noise * np.exp(random.gumbel(0, 0.45, 20_000))
        faulted = calls > np.quantile(calls, 0.999)
        calls = np.where(faulted, calls * 12, calls)
        for name, quantile in (("p50", .5), ("p90", .9), ("p99", .99), ("p999", .999), ("p9999", .9999), ("max", 1.)):
            metrics[f"{step}_{name}_ns"] = float(np.quantile(calls, quantile))
        metrics[f"{step}_faulted_count"] = int(faulted.sum())
        histograms[f"{step}_ns"] = _histogram(calls)
        histograms[f"{step}_faulted_ns"] = _histogram(calls[faulted])
    return {"metrics": metrics, "histograms": histograms}


def _open_loop(random: np.random.Generator, behaviour: Behaviour, noise: float) -> dict[str, Any]:
    """Requests of forty calls; one in some hundred waits behind a slow one. The slices differ by a few per cent."""
    responses = 40 * behaviour.time_ns * noise * np.exp(random.gumbel(0, 0.6, 20_000))
    quantiles = (("p50", .5), ("p90", .9), ("p99", .99), ("p999", .999), ("p9999", .9999), ("max", 1.))
    metrics = {f"request_{name}_ns": float(np.quantile(responses, quantile)) for name, quantile in quantiles}
    timeline = {f"request_{name}_ns": [float(value) for value in
                                       (metrics[f"request_{name}_ns"] * np.exp(random.normal(0, 0.05, SLICES))).round(1)]
                for name in ("p50", "p99", "p999", "max")}
    timeline["operations_count"] = [OPERATIONS * (number + 1) // SLICES for number in range(SLICES)]
    return {"metrics": {"requests_count": responses.size, **metrics}, "histograms": {"request_ns": _histogram(responses)},
            "timeline": timeline}


def _histogram(values: np.ndarray) -> list[list[float]]:
    lower = np.floor(np.log2(values) * 16)
    buckets, counts = np.unique(lower, return_counts=True)
    return [[round(float(2 ** (bucket / 16)), 3), int(number)] for bucket, number in zip(buckets, counts)]


def _memory(random: np.random.Generator, behaviour: Behaviour, noise: float) -> dict[str, Any]:
    before = 6 * MIB
    peak = before + int(behaviour.rss_bytes * (1 + random.normal(0, 0.002)))
    operations = np.linspace(0, OPERATIONS, 40).astype(int)
    growth = 1 - np.exp(-np.linspace(0, 4, 40))
    live = ((behaviour.live_bytes or 0.8 * behaviour.rss_bytes) * growth).astype(int)
    metrics = {
        "rss_before_bytes": before, "rss_end_bytes": int(peak * 0.97), "rss_peak_bytes": peak,
        "rss_drained_bytes": before + behaviour.rss_bytes // 4, "vsz_end_bytes": behaviour.vsz_bytes,
        "vsz_peak_bytes": behaviour.vsz_bytes, "anon_huge_bytes": 0,
        "minor_faults_count": int(behaviour.faults_per_operation * OPERATIONS + random.integers(0, 4)),
        "major_faults_count": behaviour.major_faults, "voluntary_switches_count": 1, "involuntary_switches_count": 20,
    }
    timeline = {"operations_count": operations.tolist(), "live_bytes": live.tolist(),
                "rss_bytes": (before + behaviour.rss_bytes * growth).astype(int).tolist(),
                "vsz_bytes": [behaviour.vsz_bytes] * 40}
    metrics["vsz_before_bytes"] = behaviour.vsz_bytes // 2
    levels = {"before": (MIB, MIB), "begin": (metrics["rss_end_bytes"], behaviour.vsz_bytes),
              "end": (metrics["rss_end_bytes"], metrics["vsz_end_bytes"] - metrics["vsz_before_bytes"] + MIB)}
    statistics = {moment: {"resident_estimate_bytes": resident, "mapped_bytes": mapped}
                  for moment, (resident, mapped) in levels.items()}
    return {"metrics": metrics, "timeline": timeline, **({"statistics": statistics} if behaviour.statistics else {})}


def _system_calls(random: np.random.Generator, behaviour: Behaviour, noise: float) -> dict[str, Any]:
    total = int(behaviour.calls_per_operation * OPERATIONS)
    metrics = {"brk_count": total // 2, "mmap_count": total // 4, "munmap_count": total - total // 2 - total // 4,
               "madvise_count": 0, "mremap_count": 0}
    counts = {"mmap_count": metrics["mmap_count"], "munmap_count": metrics["munmap_count"], "refills_count": OPERATIONS // 20}
    statistics = {moment: {name: 5 + part * value for name, value in counts.items()}
                  for moment, part in (("before", 0), ("begin", 1), ("end", 2))}
    return {"metrics": metrics, **({"statistics": statistics} if behaviour.statistics else {})}


def _fragmentation(random: np.random.Generator, behaviour: Behaviour, noise: float) -> dict[str, Any]:
    """Of what lies above 48 MiB alive a tenth is rounding up, and half of the rest goes when memory is released."""
    before, live = 6 * MIB, behaviour.live_bytes or 48 * MIB
    growth = int(behaviour.rss_bytes * (1 + random.normal(0, 0.002)))
    usable = live + (growth - live) // 10
    metrics = {"rss_before_bytes": before, "live_bytes": live, "usable_bytes": usable, "rss_end_bytes": before + growth}
    if behaviour.releases:
        metrics.update(rss_released_bytes=before + (usable + growth) // 2, rss_empty_bytes=before + growth // 16)
    return {"metrics": metrics}


def _checked(random: np.random.Generator, behaviour: Behaviour, noise: float) -> dict[str, Any]:
    return {"metrics": {}}


def _lockstep(random: np.random.Generator, behaviour: Behaviour, noise: float) -> dict[str, Any]:
    """The slices of both sides swing together with the machine, so that only the process's own noise is between them."""
    time_ns = behaviour.time_ns * noise
    slices = time_ns * OPERATIONS / 20 * np.exp(random.normal(0, 0.02, 20))
    memory = _memory(random, behaviour, noise)["metrics"]
    return {"metrics": {"wall_per_operation_ns": time_ns, "cpu_per_operation_ns": time_ns * 0.99,
                        "slice_ns": [float(value) for value in slices.round(0)],
                        **{name: value for name, value in memory.items() if name.endswith(("_bytes", "_faults_count"))}}}


_FIGURES = {"throughput": _throughput, "latency": _latency, "memory": _memory, "system_calls": _system_calls,
            "open_loop": _open_loop, "fragmentation": _fragmentation, "checked": _checked, "lockstep": _lockstep}


def _command(random: np.random.Generator, behaviour: Behaviour, noise: float, block: int, served: bool) -> dict[str, Any]:
    wall = behaviour.time_ns * noise * 1e7
    metrics = {"wall_ns": wall, "user_cpu_ns": wall * 0.8, "system_cpu_ns": wall * 0.15, "rss_peak_bytes": behaviour.rss_bytes,
               "minor_faults_count": int(behaviour.faults_per_operation * OPERATIONS),
               "major_faults_count": behaviour.major_faults, "voluntary_switches_count": 3, "involuntary_switches_count": 9,
               **{f"user_{name}": value / noise for name, value in behaviour.user_figures(block).items()}}
    if behaviour.tree_bytes is None:
        return {"metrics": metrics}
    if served:
        metrics["ready_ns"] = 2e7 * noise
    metrics.update(tree_peak_bytes=behaviour.tree_bytes, vsz_peak_bytes=behaviour.vsz_bytes, sampling_ns=1e6)
    return {"metrics": metrics, "timeline": _command_timeline(random, behaviour, wall)}


def _command_timeline(random: np.random.Generator, behaviour: Behaviour, wall: float) -> dict[str, Any]:
    """A look every 10 ms at a program that fills, is busy and gives something back."""
    elapsed = np.arange(0, wall, 1e7)
    place = elapsed / wall
    level = np.interp(place, [0, 0.3, 0.8, 1], [0.05, 0.9, 1, 0.6]) * np.exp(random.normal(0, 0.01, place.size))
    tree = (behaviour.tree_bytes * np.minimum(level, 1)).astype(int)
    return {"elapsed_ns": elapsed.astype(int).tolist(), "tree_bytes": tree.tolist(), "vsz_bytes": [behaviour.vsz_bytes] * place.size,
            "processes_count": [1 if behaviour.tree_bytes == behaviour.rss_bytes else 3] * place.size}


def _share(behaviour: Behaviour) -> dict[str, Any]:
    tree = behaviour.tree_bytes or behaviour.rss_bytes
    malloc, live = behaviour.share
    return {"metrics": {"tree_bytes": tree, "malloc_bytes": int(malloc * tree), "live_bytes": int(live * tree)}}


def _outcome(behaviour: Behaviour, block: int) -> dict[str, Any]:
    text, errors, state = behaviour.output(block), behaviour.errors(block), behaviour.state(block)
    files = [{"path": path, "size_bytes": len(content), "digest": f"digest-of-{content}"}
             for path, content in behaviour.files(block).items()]
    return {"exit_code": behaviour.exit_code, "stdout_bytes": len(text), "stdout_digest": f"digest-of-{text}",
            "stderr_bytes": len(errors), "stderr_digest": f"digest-of-{errors or 'nothing'}", "processes": [],
            **({"files": files} if files else {}), **({"state_digest": state} if state else {}),
            **({"remarks": list(behaviour.remarks(block))} if behaviour.remarks(block) else {})}


# The folders that several tests share.

ALLOCATORS: dict[str, Behaviour] = {
    "glibc": Behaviour(),
    "refmalloc": Behaviour(time_ns=17.5, rss_bytes=61 * MIB, faults_per_operation=0.14, calls_per_operation=0.011,
                           statistics=True),
    "jemalloc": Behaviour(time_ns=18.5, rss_bytes=74 * MIB, vsz_bytes=420 * MIB, faults_per_operation=0.22),
    "tcmalloc": Behaviour(time_ns=15.5, rss_bytes=79 * MIB, calls_per_operation=0.001),
    "mimalloc": Behaviour(time_ns=14.0, rss_bytes=70 * MIB, vsz_bytes=1300 * MIB, calls_per_operation=0.003),
    "scudo": Behaviour(time_ns=41.0, rss_bytes=66 * MIB, vsz_bytes=9 << 40, calls_per_operation=0.05),
    "tbbmalloc": Behaviour(fails=fails_always("library_missing", "install libtbbmalloc2")),
    "mine": Behaviour(time_ns=16, fails=fails_always("crashed", only_pass="latency"), releases=False),
}
PASSES = (("throughput", 8), ("latency", 8), ("memory", 3), ("system_calls", 2))


def comparison_groups(workload: str, parameters: Mapping[str, Any], behaviours: Mapping[str, Behaviour] = ALLOCATORS,
                      threads: int = 1) -> list[GroupPlan]:
    # as the real plans do, each pass has its own number of operations
    groups = [GroupPlan(workload, behaviours, pass_name, blocks, threads=threads,
                        parameters={**parameters, "operations": OPERATIONS // (10 if pass_name == "memory" else 1)})
              for pass_name, blocks in PASSES]
    null = {"null": Behaviour(time_ns=3.5, noise=0.01)}
    return [*groups, GroupPlan(workload, null, "throughput", 3, "own_cost", "null", threads, parameters)]


def service_groups() -> list[GroupPlan]:
    """A workload with requests: an open loop besides the other passes."""
    behaviours = {name: ALLOCATORS[name] for name in ("glibc", "jemalloc", "tcmalloc", "tbbmalloc")}
    behaviours["scudo"] = replace(ALLOCATORS["scudo"], fails=fails_always("timed_out", only_pass="open_loop"))
    groups = comparison_groups("mixed_service", {"rate": 200_000}, behaviours, threads=2)
    return [*groups, replace(groups[1], pass_name="open_loop")]


def sweep_behaviours() -> dict[str, Behaviour]:
    """Invented, but with the cliff that a real sweep has: cheap only once both thresholds are high."""
    behaviours = {"glibc": Behaviour(time_ns=2_100, faults_per_operation=0.0, rss_bytes=2 * MIB, calls_per_operation=0)}
    pairs = [(mmap, trim) for mmap in ("128K", "1M", "4M", "64M") for trim in ("128K", "4M", "1G")]
    for mmap, trim in [("64M", None), (None, "128K"), (None, "1G"), *pairs]:
        settings = [f"{key}={value}" for key, value in (("mmap_threshold", mmap), ("trim_threshold", trim)) if value]
        mapped, trimmed = mmap in (None, "128K", "1M"), trim in (None, "128K")
        behaviours[f"glibc:{','.join(settings)}"] = Behaviour(
            time_ns=414_000.0 if mapped else 360_000.0 if trimmed else 2_050.0,
            faults_per_operation=256 if mapped else 224 if trimmed else 0.0,
            rss_bytes=MIB if mapped or trimmed else 3 * MIB, calls_per_operation=2 if mapped or trimmed else 0)
    for settings in ("top_pad=1M", "top_pad=64M", "mmap_threshold=64M,trim_threshold=128K,top_pad=64M"):
        large = settings.endswith("64M")
        behaviours[f"glibc:{settings}"] = Behaviour(
            time_ns=2_300 if large else 40_000, faults_per_operation=0 if large else 24,
            rss_bytes=(64 if large else 2) * MIB, calls_per_operation=0 if large else 1)
    return behaviours


def sweep_groups() -> list[GroupPlan]:
    parameters = {"size": MIB, "window": 1}
    return [GroupPlan("large_churn", sweep_behaviours(), "throughput", 8, "sweep", parameters=parameters),
            GroupPlan("large_churn", sweep_behaviours(), "memory", 2, "sweep", parameters=parameters),
            GroupPlan("large_churn", sweep_behaviours(), "system_calls", 2, "sweep", parameters=parameters)]


def bench_groups() -> list[GroupPlan]:
    pressed = {name: Behaviour(**{**vars(one), "time_ns": one.time_ns * 3, "major_faults": 12})
               for name, one in ALLOCATORS.items()}
    return [*comparison_groups("small_churn", {"live": 10_000, "size": 64}),
            *comparison_groups("producer_consumer", {"size": 256, "ratio": "1:1"}, pressed, threads=2),
            *sweep_groups(),
            GroupPlan("small_churn", ALLOCATORS, "fragmentation", 2,
                      parameters={"live": 10_000, "size": 64, "operations": OPERATIONS})]


def scaling_groups(workload: str = "stress", threads: Iterable[int] = (1, 2, 4), blocks: int = 8) -> list[GroupPlan]:
    """Cells that differ in their threads alone: one allocator gains by each, one by none, one fails with more than two."""
    def behaviours(number: int) -> dict[str, Behaviour]:
        fails = fails_always("timed_out") if number > 2 else Behaviour.fails
        return {"glibc": Behaviour(time_ns=20), "mimalloc": Behaviour(time_ns=16 / number, noise=0.02),
                "mine": Behaviour(time_ns=30 / number, fails=fails)}

    default = 2
    return [GroupPlan(workload, behaviours(number), "throughput", blocks, threads=number,
                      parameters={"threads": number, "size": 64, "operations": 1000 * number},
                      spec=workload if number == default else f"{workload}:threads={number}") for number in threads]


def gate_groups(baseline: Behaviour, candidate: Behaviour, blocks: int = 8, workload: str = "small_churn",
                specs: tuple[str, str] = ("old=./old.so", "new=./new.so")) -> list[GroupPlan]:
    """A cell in lockstep and its system calls, the one against the other."""
    behaviours = dict(zip(specs, (baseline, candidate)))
    return [GroupPlan(workload, behaviours, pass_name, blocks, baseline=specs[0], parameters={"live": 10_000})
            for pass_name in ("lockstep", "system_calls")]


def command_groups(blocks: int = 8, user_metrics: tuple[Mapping[str, str], ...] = (), **changes: Behaviour) -> list[GroupPlan]:
    behaviours = {"glibc": Behaviour(), "jemalloc": Behaviour(time_ns=17), "tcmalloc": Behaviour(time_ns=16)}
    behaviours.update(changes)
    return [GroupPlan("command", behaviours, "command", blocks, "command", parameters={"command": "./service --synthetic"},
                      user_metrics=user_metrics)]


RATE = {"name": "rps", "pattern": "([0-9.]+) requests per second", "better": "higher"}
# Invented programs: name, what it models, how busy (ns a unit), MiB, processes' memory over the largest's, malloc's share, served.
PROGRAMS = (("store", "an in-memory store under a pipelined client", 31.0, 180, 1.0, (0.92, 0.81), True),
            ("compiler", "a compiler on one large file", 190.0, 340, 1.12, (0.11, 0.09), False),
            ("database", "a database with a process for each client", 120.0, 96, 2.4, (0.34, 0.2), True),
            ("interpreter", "a script that builds a graph of small objects", 88.0, 65, 1.0, (0.78, 0.74), False))


def program_groups(blocks: int = 8, allocators: Mapping[str, Behaviour] = ALLOCATORS) -> list[GroupPlan]:
    """A folder of several programs: one with an allocator more, one whose client's rate is a metric, one without a share."""
    groups = []
    for number, (name, models, time_ns, size_mib, tree, share, served) in enumerate(PROGRAMS):
        commands = {"serve": f"exec {name} --serve", "drive": f"exec {name}-client"} if served else {"command": f"exec {name} input"}
        behaviours = {spec: Behaviour(
            time_ns=time_ns * (1 + share[0] * (one.time_ns / 20 - 1)), rss_bytes=size_mib * one.rss_bytes // 64,
            tree_bytes=int(tree * size_mib * one.rss_bytes // 64), vsz_bytes=one.vsz_bytes, faults_per_operation=one.faults_per_operation,
            share=share, fails=one.fails, user_figures=lambda block, figures={"rps": 1e7 / one.time_ns} if served else {}: figures)
            for spec, one in allocators.items() if spec != "mine"}
        if name == "store":
            behaviours["as_linked"] = Behaviour(time_ns=time_ns * 0.97, rss_bytes=size_mib * MIB, tree_bytes=size_mib * MIB,
                                                user_figures=lambda block: {"rps": 5.2e5})
        plan = GroupPlan(f"apps/{name}", behaviours, "command", blocks, "command",
                         parameters={"command": " ; ".join(commands.values())}, user_metrics=(RATE,) if served else (),
                         program={"name": name, "models": models, **commands})
        groups.append(plan)
        if number != len(PROGRAMS) - 1:
            groups.append(share_group(plan, share))
    return groups


def share_group(plan: GroupPlan, share: tuple[float, float] = (0.85, 0.7), **changes: Any) -> GroupPlan:
    """The one run under glibc that looks at malloc's share of a program's memory."""
    behaviour = replace(plan.behaviours["glibc"], share=share, **changes)
    return replace(plan, behaviours={"glibc": behaviour}, pass_name="malloc_share", blocks=1, user_metrics=(), program=None)


def catalogue() -> dict[str, Any]:
    """What a program would list that knows the workloads of bench_groups()."""
    def parameter(key: str, unit: str, default: int, maximum: int, words: str) -> dict[str, Any]:
        return {"key": key, "unit": unit, "default": default, "minimum": 1, "maximum": maximum, "help": words}

    def workload(name: str, family: str, *passes: str) -> dict[str, Any]:
        return {"name": name, "family": family, "models": f"what {name} models", "does_not_model": "the rest",
                "passes": ["throughput", "memory", *passes],
                "parameters": [parameter("live", "count", 10_000, 10 ** 8, "objects alive; 0 | none"),
                               parameter("size", "bytes", 64, MIB, "of each object")]}

    return {"allocators": [], "apps": [],
            "workloads": [workload("small_churn", "fast path", "fragmentation"), workload("large_churn", "fast path"),
                          workload("producer_consumer", "servers", "open_loop")],
            "profiles": [{"name": "quick", "summary": "", "rows": [{"workload": "small_churn:live=1M", "passes": ["memory"]},
                                                                   {"workload": "small_churn", "passes": ["memory"]}]},
                         {"name": "full", "summary": "", "rows": [{"workload": "small_churn", "passes": ["throughput"]},
                                                                  {"workload": "large_churn:size=1M", "passes": ["memory"]}]}]}


def write_program(build: Path, script: str = "") -> Path:
    """A stand-in for the built program, which does what the script says, or lists catalogue(); returns its folder."""
    build.mkdir(parents=True, exist_ok=True)
    lists = f"cat <<'END'\n{json.dumps(catalogue())}\nEND"
    (build / "heapwise").write_text(f"#!/bin/sh\n{script or lists}\n")
    (build / "heapwise").chmod(0o755)
    return build
