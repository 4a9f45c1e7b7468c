"""Which metrics are compared: label, unit, class, band of equivalence, and how each is derived.

Every metric is better when lower. The classes, from how much a metric varies from run to run:
  exact       system calls: any difference is one
  near_exact  faults (±0.5 %), resident and mapped memory (±3 %)
  noisy       time: effects under 1 % are never claimed
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

SYSTEM_CALLS = ("brk", "mmap", "munmap", "madvise", "mremap")
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


NOISY_BAND = 0.01
FAULTS_BAND = 0.005
MEMORY_BAND = 0.03
SIXTEEN_PAGES_BYTES = 65536.0
ONE_FAULT_IN_A_THOUSAND = 0.001


def _latency(step: str, percentile: str, words: str) -> Metric:
    return Metric(f"{step}_{percentile}_ns", f"{STEP_LABELS[step]} {words}", "ns", "noisy", "latency", NOISY_BAND, 1.0)


def _memory(name: str, label: str) -> Metric:
    return Metric(name, label, "bytes", "near_exact", "memory", MEMORY_BAND, SIXTEEN_PAGES_BYTES)


METRICS: tuple[Metric, ...] = (
    Metric("wall_per_operation_ns", "time/op", "ns", "noisy", "throughput", NOISY_BAND),
    Metric("cpu_per_operation_ns", "CPU/op", "ns", "noisy", "throughput", NOISY_BAND),
    *(_latency(step, percentile, words) for step in STEPS
      for percentile, words in (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"))),
    _memory("rss_peak_growth_bytes", "peak RSS"),
    _memory("rss_end_growth_bytes", "end RSS"),
    _memory("rss_drained_growth_bytes", "RSS after free"),
    _memory("vsz_peak_bytes", "VSZ"),
    Metric("minor_faults_per_operation", "minor faults/op", "faults/op", "near_exact", "memory",
           FAULTS_BAND, ONE_FAULT_IN_A_THOUSAND),
    Metric("major_faults_count", "major faults", "faults", "near_exact", "memory", FAULTS_BAND),
    Metric("system_calls_per_operation", "system calls/op", "calls/op", "exact", "system_calls", 0.0),
    Metric("wall_ns", "wall time", "ns", "noisy", "command", NOISY_BAND),
    Metric("cpu_ns", "CPU time", "ns", "noisy", "command", NOISY_BAND),
    Metric("rss_peak_bytes", "peak RSS", "bytes", "near_exact", "command", MEMORY_BAND, SIXTEEN_PAGES_BYTES),
    Metric("minor_faults_count", "minor faults", "faults", "near_exact", "command", FAULTS_BAND),
    Metric("major_faults_count", "major faults", "faults", "near_exact", "command", FAULTS_BAND),
)


def metrics_of_pass(pass_name: str) -> tuple[Metric, ...]:
    return tuple(metric for metric in METRICS if metric.pass_name == pass_name)


def metric_named(name: str, pass_name: str) -> Metric:
    return next(metric for metric in METRICS if metric.name == name and metric.pass_name == pass_name)


def derive(metrics: Mapping[str, Any], work: Mapping[str, Any]) -> dict[str, float]:
    """The scalar metrics of one run with the derived ones added; arrays are left out.

    Resident memory is growth over `rss_before_bytes`: the harness's tables and the fixed start-up
    pools are in both terms. A derived metric whose parts are missing is missing too.
    """
    values = {name: value for name, value in metrics.items() if isinstance(value, (int, float))}
    before = values.get("rss_before_bytes")
    if before is not None:
        for moment in ("peak", "end", "drained"):
            if f"rss_{moment}_bytes" in values:
                values[f"rss_{moment}_growth_bytes"] = values[f"rss_{moment}_bytes"] - before
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
