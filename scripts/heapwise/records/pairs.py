"""The pairs that are compared: what a candidate and its baseline measured inside each block.

In a block of whole runs a pair is two figures. In a lockstep block two live processes took turns,
slice by slice, on one CPU: there the effect is the median of the slices' log-ratios, slice k of the
candidate against slice k of the baseline, which did the same work within milliseconds. The block,
that is the pair of processes, stays what is resampled: slices of one pair share their addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

import numpy as np

from .folder import Record
from .metrics import Metric, derive
from .work import GroupWork

LOCKSTEP = "lockstep"
_SLICED = "wall_per_operation_ns"


@dataclass(frozen=True)
class Pairs:
    """Figures of the blocks in which both sides are ok and have the metric, in order.

    `logs`: the natural log-ratio of each block; None where some figure is not above 0."""

    candidate: np.ndarray
    baseline: np.ndarray
    logs: np.ndarray | None


def figures_of(work: GroupWork, record: Record) -> Mapping[str, float] | None:
    """The scalar metrics of a run; None where it has none, because it failed or did other work."""
    return None if work.failure_words(record) is not None else derive(record.metrics, record.work)


def pairs_of(work: GroupWork, allocator: str, metric: Metric, against: str | None = None) -> Pairs:
    """The pairs of one metric of one allocator against the group's baseline, or against another of its allocators."""
    both = []
    for ours, theirs in zip(work.runs.records(allocator), work.runs.records(against or work.runs.group.baseline)):
        mine, other = figures_of(work, ours), figures_of(work, theirs)
        if mine is not None and other is not None and metric.name in mine and metric.name in other:
            both.append((mine[metric.name], other[metric.name], ours, theirs))
    candidate, baseline = (np.array([pair[side] for pair in both], dtype=float) for side in (0, 1))
    if not ((candidate > 0).all() and (baseline > 0).all()):
        return Pairs(candidate, baseline, None)
    if metric.name == _SLICED and work.runs.group.cell.pass_name == LOCKSTEP:
        return Pairs(candidate, baseline, np.array([slice_log_ratio(ours, theirs) for _, _, ours, theirs in both]))
    return Pairs(candidate, baseline, np.log(candidate / baseline))


def slice_log_ratio(candidate: Record, baseline: Record) -> float:
    """The median over the slices of log(candidate / baseline)."""
    ours, theirs = (np.asarray(record.metrics["slice_ns"], dtype=float) for record in (candidate, baseline))
    return float(np.median(np.log(ours / theirs)))
