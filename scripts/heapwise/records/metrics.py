"""Which metrics are compared: label, unit, class, band of equivalence, and how each is derived.

Every metric is better when lower, but for those of a user that say otherwise. The classes, from how
much a metric varies from run to run:
  exact       system calls: any difference is one
  near_exact  faults (±0.5 %), resident and mapped memory (±3 %, where it is sampled ±5 %)
  noisy       time and whatever a user's pattern finds: effects under 1 % are never claimed
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from .folder import Group, UserMetric

SYSTEM_CALLS = ("brk", "mmap", "munmap", "madvise", "mremap")
USER_PREFIX = "user_"
STEPS = ("allocate", "first_write", "free")
STEP_LABELS = {"allocate": "allocate", "first_write": "first write", "free": "free"}


@dataclass(frozen=True)
class Metric:
    """`band`: ratios inside 1 ± band are equivalent. `negligible`: so are differences up to this
    many units, because a ratio says little of figures near the resolution of their probe."""

    name: str
    label: str
    unit: str
    metric_class: str
    pass_name: str
    band: float
    negligible: float = 0.0
    better: str = "lower"


NOISY_BAND = 0.01
FAULTS_BAND = 0.005
MEMORY_BAND = 0.03
# Looks from outside miss a peak between two of them, and which processes overlap in a look is chance:
# what the kernel keeps exactly, the largest process's peak, has the narrower band.
SAMPLED_MEMORY_BAND = 0.05
SIXTEEN_PAGES_BYTES = 65536.0
ONE_FAULT_IN_A_THOUSAND = 0.001


def _latency(step: str, percentile: str, words: str) -> Metric:
    return Metric(f"{step}_{percentile}_ns", f"{STEP_LABELS[step]} {words}", "ns", "noisy", "latency", NOISY_BAND, 1.0)


def _memory(name: str, label: str, pass_name: str = "memory") -> Metric:
    return Metric(name, label, "bytes", "near_exact", pass_name, MEMORY_BAND, SIXTEEN_PAGES_BYTES)


def _faults(pass_name: str) -> tuple[Metric, ...]:
    return (Metric("minor_faults_per_operation", "minor faults/op", "faults/op", "near_exact", pass_name,
                   FAULTS_BAND, ONE_FAULT_IN_A_THOUSAND),
            Metric("major_faults_count", "major faults", "faults", "near_exact", pass_name, FAULTS_BAND))


def _charged(pass_name: str) -> tuple[Metric, ...]:
    return (Metric("cgroup_peak_bytes", "charged", "bytes", "near_exact", pass_name, MEMORY_BAND, SIXTEEN_PAGES_BYTES),
            Metric("cgroup_limit_hits_count", "limit hits", "hits", "near_exact", pass_name, FAULTS_BAND))


def _sampled(name: str, label: str) -> Metric:
    return Metric(name, label, "bytes", "near_exact", "command", SAMPLED_MEMORY_BAND, SIXTEEN_PAGES_BYTES)


METRICS: tuple[Metric, ...] = (
    Metric("wall_per_operation_ns", "time/op", "ns", "noisy", "throughput", NOISY_BAND),
    Metric("cpu_per_operation_ns", "CPU/op", "ns", "noisy", "throughput", NOISY_BAND),
    *(_latency(step, percentile, words) for step in STEPS
      for percentile, words in (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"))),
    _memory("rss_peak_growth_bytes", "peak RSS"),
    _memory("rss_end_growth_bytes", "end RSS"),
    _memory("rss_drained_growth_bytes", "RSS after free"),
    _memory("vsz_peak_bytes", "VSZ"),
    *_faults("memory"),
    *(Metric(f"request_{percentile}_ns", f"response {words}", "ns", "noisy", "open_loop", NOISY_BAND, 100.0)
      for percentile, words in (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"))),
    _memory("fragmentation_internal_bytes", "internal fragmentation", "fragmentation"),
    _memory("fragmentation_external_bytes", "external fragmentation", "fragmentation"),
    _memory("unreturned_bytes", "unreturned", "fragmentation"),
    _memory("rss_empty_growth_bytes", "RSS after free and release", "fragmentation"),
    Metric("wall_per_operation_ns", "time/op", "ns", "noisy", "lockstep", NOISY_BAND),
    _memory("rss_peak_growth_bytes", "peak RSS", "lockstep"),
    _memory("rss_end_growth_bytes", "end RSS", "lockstep"),
    _memory("rss_drained_growth_bytes", "RSS after free", "lockstep"),
    _memory("vsz_peak_bytes", "VSZ", "lockstep"),
    *_faults("lockstep"),
    Metric("system_calls_per_operation", "system calls/op", "calls/op", "exact", "system_calls", 0.0),
    Metric("wall_ns", "wall time", "ns", "noisy", "command", NOISY_BAND),
    Metric("cpu_ns", "CPU time", "ns", "noisy", "command", NOISY_BAND),
    Metric("rss_peak_bytes", "peak RSS", "bytes", "near_exact", "command", MEMORY_BAND, SIXTEEN_PAGES_BYTES),
    _sampled("tree_peak_bytes", "tree memory"),
    _sampled("vsz_peak_bytes", "VSZ"),
    Metric("minor_faults_count", "minor faults", "faults", "near_exact", "command", FAULTS_BAND),
    Metric("major_faults_count", "major faults", "faults", "near_exact", "command", FAULTS_BAND),
    Metric("ready_ns", "ready after", "ns", "noisy", "command", NOISY_BAND),
)


# Shown and not compared: each comparison more makes p_adjusted of all others larger.
DESCRIBED: tuple[Metric, ...] = (
    # the parts of cpu_ns: a high system part is faults and calls
    Metric("user_cpu_ns", "user CPU", "ns", "noisy", "command", NOISY_BAND),
    Metric("system_cpu_ns", "system CPU", "ns", "noisy", "command", NOISY_BAND),
    # a lock is one reason of many to wait; involuntary switches are the machine's doing
    Metric("voluntary_switches_count", "waits", "switches", "noisy", "command", NOISY_BAND),
    # faults an operation times the operations: what a target limits
    Metric("minor_faults_count", "minor faults", "faults", "near_exact", "memory", FAULTS_BAND),
    # of runs under a memory limit: what counts there, kernel's memory and cached files included, and how often it was too much
    *_charged("memory"),
    *_charged("command"),
)
# The parts of the growth of RSS that pass `fragmentation` tells apart, by what they are called.
RESIDENT_PARTS = {"live_bytes": "live", "fragmentation_internal_bytes": "internal", "fragmentation_external_bytes": "external",
                  "unreturned_bytes": "unreturned", "external_or_unreturned_bytes": "external or unreturned"}
# What a shell between two processes adds, say: less than a table shows.
SAME_MEMORY = 1.01


def tree_says_more(tree_bytes: Mapping[str, float], largest_bytes: Mapping[str, float]) -> bool:
    """Whether all processes together had more memory than the largest alone, under any allocator. Medians by allocator."""
    return any(value > SAME_MEMORY * largest_bytes.get(allocator, value) for allocator, value in tree_bytes.items())


def user_metric(metric: UserMetric) -> Metric:
    """A user's metric has no unit, and what is known of it is its direction."""
    return Metric(f"{USER_PREFIX}{metric.name}", metric.name, "", "noisy", "command", NOISY_BAND, better=metric.better)


def metrics_of_group(group: Group) -> tuple[Metric, ...]:
    """What is compared in a group, in the order of its table: a user's metrics behind the times."""
    built_in = tuple(metric for metric in METRICS if metric.pass_name == group.cell.pass_name)
    if group.cell.pass_name != "command":
        return built_in
    return _with_users(built_in, [user_metric(metric) for metric in group.user_metrics])


def metrics_of_plan(groups: Sequence[Group]) -> tuple[Metric, ...]:
    """Every metric that could be compared in a folder."""
    users = dict.fromkeys(user_metric(metric) for group in groups for metric in group.user_metrics)
    return _with_users(METRICS, list(users))


def _with_users(metrics: Sequence[Metric], users: Sequence[Metric]) -> tuple[Metric, ...]:
    place = [metric.name for metric in metrics].index("cpu_ns") + 1
    return (*metrics[:place], *users, *metrics[place:])


def metric_named(name: str, pass_name: str) -> Metric:
    """A metric of this package, compared or described."""
    return next(metric for metric in (*METRICS, *DESCRIBED) if metric.name == name and metric.pass_name == pass_name)


def unit_of(name: str, pass_name: str) -> str:
    """The unit of a metric; none for a user's."""
    return "" if _is_users(name) else metric_named(name, pass_name).unit


def label_of(name: str, pass_name: str) -> str:
    """What people call the metric; a user's as they named it."""
    return name.removeprefix(USER_PREFIX) if _is_users(name) else metric_named(name, pass_name).label


def negligible_of(name: str, pass_name: str) -> float:
    """The difference in a metric up to which a ratio says little."""
    return 0.0 if _is_users(name) else metric_named(name, pass_name).negligible


def band_of(name: str, pass_name: str) -> float:
    """Ratios inside 1 ± this are `same`."""
    return NOISY_BAND if _is_users(name) else metric_named(name, pass_name).band


def _is_users(name: str) -> bool:
    return name.startswith(USER_PREFIX) and name != "user_cpu_ns"


def derive(metrics: Mapping[str, Any], work: Mapping[str, Any]) -> dict[str, float]:
    """The scalar metrics of one run with the derived ones added; arrays are left out.

    Resident memory is growth over `rss_before_bytes`: the harness's tables and the fixed start-up
    pools are in both terms. A derived metric whose parts are missing is missing too.
    """
    values = {name: value for name, value in metrics.items() if isinstance(value, (int, float))}
    before = values.get("rss_before_bytes")
    if before is not None:
        for moment in ("peak", "end", "drained", "released", "empty"):
            if f"rss_{moment}_bytes" in values:
                values[f"rss_{moment}_growth_bytes"] = values[f"rss_{moment}_bytes"] - before
    values.update(_split_fragmentation(values))
    operations = work.get("operations_count") or 0
    if operations > 0:
        if "minor_faults_count" in values:
            values["minor_faults_per_operation"] = values["minor_faults_count"] / operations
        counts = [values.get(f"{call}_count") for call in SYSTEM_CALLS]
        if None not in counts:
            for call, count in zip(SYSTEM_CALLS, counts):
                values[f"{call}_per_operation"] = count / operations
            values["system_calls_per_operation"] = sum(counts) / operations
    if "user_cpu_ns" in values and "system_cpu_ns" in values:
        values["cpu_ns"] = values["user_cpu_ns"] + values["system_cpu_ns"]
    return values


def _split_fragmentation(values: Mapping[str, float]) -> dict[str, float]:
    """What lies above the live bytes: live + internal + external + unreturned = growth of RSS at the end. Rounding up is
    internal; what is still resident after memory was released is external (headers, metadata, holes between objects);
    the rest would have gone, had it been asked for. The last two are one figure where nothing releases."""
    if "usable_bytes" not in values:
        return {}
    internal = {"fragmentation_internal_bytes": values["usable_bytes"] - values["live_bytes"]}
    if "rss_released_bytes" not in values:
        return {**internal, "external_or_unreturned_bytes": values["rss_end_growth_bytes"] - values["usable_bytes"]}
    return {**internal, "fragmentation_external_bytes": values["rss_released_growth_bytes"] - values["usable_bytes"],
            "unreturned_bytes": values["rss_end_bytes"] - values["rss_released_bytes"]}
