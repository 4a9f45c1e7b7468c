"""What a long run comes to: resident over live bytes by its quarters, its tail by its halves, and whether they still rise.

Made of the runs that have a course: a timeline of at least 16 points (pass `memory`) or slices (pass `open_loop`).

RSS/live
  Of each quarter of the run, by operations: the mean of the growth of RSS over the mean of the live bytes, of the same
  points. The figure before the region begins is no part of it. The peak is that of single points.
  Rises: the last quarter lies above the third by more than the band of memory (3 %).

The tail
  p99.9 of the responses of each slice. Slices of the second half are paired with those at the same place of the first,
  which is the same hour where a half holds whole days. Of each half the median is given; the ratio is the median of the
  paired ratios, so that single slices (a cache dropped, a bad moment of the machine) do not make it.
  Rises: the ratio is above 1 by more than a quarter, because a p99.9 has the machine in it.
  Behind: in some slice half of the requests waited ten times as long as in the best one. The service had more to do than
  it could, so its tail is that of a queue and says nothing of ageing.

Over runs
  It still rises where it does in every run, and does not where it does in none; with runs that disagree, runs that fell
  behind or fewer than two runs nothing is said (null).

What it does not say
  `false` is not `never`: what grows more slowly than the band passes, and so does what begins after the run. Like is
  compared with like only where a load that comes and goes does so a whole number of times in a quarter (a quarter of
  long_running is a day); of another cell, a rise may be the load's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

import numpy as np

from ..records.cells import common_parameters, join_passes
from ..records.folder import Record
from ..records.metrics import MEMORY_BAND
from ..records.work import GroupWork

Node = dict[str, Any]

FEWEST_POINTS = 16
FEWEST_RUNS = 2
QUARTERS = 4
TAIL_BAND = 0.25
BEHIND = 10.0


@dataclass(frozen=True)
class MemoryCourse:
    """RSS/live of one run."""

    quarters: tuple[float, ...]
    peak: float

    @property
    def rises(self) -> bool:
        return self.quarters[-1] > self.quarters[-2] * (1 + MEMORY_BAND)


@dataclass(frozen=True)
class TailCourse:
    """p99.9 of the responses of one run."""

    first_half_ns: float
    second_half_ns: float
    ratio: float
    fell_behind: bool

    @property
    def rises(self) -> bool:
        return self.ratio > 1 + TAIL_BAND


def memory_course(operations: Sequence[float], live_bytes: Sequence[float], grown_bytes: Sequence[float]) -> MemoryCourse | None:
    """Of a timeline: operations done, bytes alive, growth of RSS. None where it is too short, a quarter has hardly any
    points, nothing is alive at times, or memory did not grow since the workload began."""
    done, live, grown = (np.asarray(values, dtype=float) for values in (operations, live_bytes, grown_bytes))
    inside = done > 0
    done, live, grown = done[inside], live[inside], grown[inside]
    if done.size < FEWEST_POINTS or (live <= 0).any():
        return None
    quarter = np.ceil(QUARTERS * done / done[-1]).astype(int) - 1
    if np.bincount(quarter, minlength=QUARTERS).min() < FEWEST_POINTS // QUARTERS:
        return None
    means = tuple(float(grown[quarter == place].mean() / live[quarter == place].mean()) for place in range(QUARTERS))
    return MemoryCourse(means, float((grown / live).max())) if min(means) > 0 else None


def tail_course(p50_ns: Sequence[float], p999_ns: Sequence[float]) -> TailCourse | None:
    """Of the slices of an open loop. None where there are too few, or slices without a request."""
    middle, tail = np.asarray(p50_ns, dtype=float), np.asarray(p999_ns, dtype=float)
    if tail.size < FEWEST_POINTS or (tail <= 0).any() or (middle <= 0).any():
        return None
    half = tail.size // 2
    first, second = tail[:half], tail[-half:]
    return TailCourse(float(np.median(first)), float(np.median(second)), float(np.median(second / first)),
                      bool(middle.max() > BEHIND * middle.min()))


def agreed(rises: Sequence[bool]) -> bool | None:
    """What all runs say; None where they disagree or are too few."""
    if len(rises) < FEWEST_RUNS or len(set(rises)) > 1:
        return None
    return rises[0]


def endurance_views(works: Sequence[GroupWork], groups: Sequence[Node]) -> list[Node]:
    """One entry for each cell and allocator with a course, in the order of the plan. `groups`: the summaries of `works`."""
    work_of = {id(group): work for work, group in zip(works, groups)}
    found = []
    for cell in join_passes(groups, "comparison"):
        passes = {group["pass"]: work_of[id(group)] for group in cell}
        for allocator in dict.fromkeys(one["allocator"] for group in cell for one in group["allocators"]):
            parts = _parts(passes, allocator)
            if parts:
                found.append({**{name: cell[0][name] for name in ("workload", "threads", "title")},
                              "parameters": common_parameters(cell), "allocator": allocator, **parts})
    return found


def _parts(passes: Mapping[str, GroupWork], allocator: str) -> Node:
    memory = [course for record in _ok(passes.get("memory"), allocator) if (course := _memory_of(record)) is not None]
    tails = [course for record in _ok(passes.get("open_loop"), allocator) if (course := _tail_of(record)) is not None]
    return {**({"memory": _memory_summary(memory)} if memory else {}), **({"tail": _tail_summary(tails)} if tails else {})}


def _ok(work: GroupWork | None, allocator: str) -> list[Record]:
    return [record for record in work.runs.records(allocator) if record.ok] if work is not None else []


def _memory_of(record: Record) -> MemoryCourse | None:
    timeline = record.timeline
    if not {"operations_count", "live_bytes", "rss_bytes"} <= timeline.keys():
        return None
    grown = np.asarray(timeline["rss_bytes"], dtype=float) - record.metrics["rss_before_bytes"]
    return memory_course(timeline["operations_count"], timeline["live_bytes"], grown)


def _tail_of(record: Record) -> TailCourse | None:
    timeline = record.timeline
    if not {"request_p50_ns", "request_p999_ns"} <= timeline.keys():
        return None
    return tail_course(timeline["request_p50_ns"], timeline["request_p999_ns"])


def _memory_summary(courses: Sequence[MemoryCourse]) -> Node:
    quarters = np.median([course.quarters for course in courses], axis=0)
    rises = [course.rises for course in courses]
    return {"runs_count": len(courses), "rss_per_live_quarters": [float(value) for value in quarters],
            "rss_per_live_peak": float(np.median([course.peak for course in courses])),
            "rising_runs_count": sum(rises), "still_rising": agreed(rises)}


def _tail_summary(courses: Sequence[TailCourse]) -> Node:
    rises, behind = [course.rises for course in courses], sum(course.fell_behind for course in courses)
    return {"runs_count": len(courses),
            **{f"{name}_p999_ns": float(np.median([getattr(course, f"{name}_ns") for course in courses]))
               for name in ("first_half", "second_half")},
            "ratio": float(np.median([course.ratio for course in courses])), "rising_runs_count": sum(rises),
            "behind_runs_count": behind, "still_rising": None if behind else agreed(rises)}
