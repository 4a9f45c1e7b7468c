"""What the reference allocator says of itself against what the launcher's tracer and the kernel counted, run by run."""
from __future__ import annotations

import os

from heapwise_command import Heapwise, records, summary

CALLS = ("mmap_count", "munmap_count", "madvise_count", "mremap_count")
# Small objects; large ones that are mapped, kept, lengthened and given back; frees by another thread.
WORKLOADS = "small_churn:live=1K,operations=20K large_churn:operations=2K,window=8 producer_consumer:operations=20K"
# Both return what they can at once. The first drops pages of runs, the second, which maps from 128 KiB on, whole mappings: so
# that all four calls are made in a region.
ALLOCATORS = "refmalloc:decay_ms=0 refmalloc:mmap_threshold=128K,decay_ms=0"


def measured(folder, pass_name: str) -> list[dict]:
    return [record for record in records(folder)
            if record["cell"]["pass"] == pass_name and record["cell"]["allocator"].startswith("refmalloc")]


def test_inside_and_outside_agree(heapwise: Heapwise) -> None:
    """Catches a system call that the allocator makes and does not count, one that it counts and does not make, calls of
    the harness inside the region, mapped memory that nobody answers for, and a table that says something else."""
    answer = heapwise.run("bench", "--profile", "smoke", "--workloads", WORKLOADS, "--allocators", ALLOCATORS, "--seed", "7",
                          "--out", "a")
    assert answer.code == 0, answer.err
    folder, out = heapwise.folder / "a", answer.out
    made = dict.fromkeys(CALLS, 0)
    for record in measured(folder, "system_calls"):
        begin, end = (record["statistics"][moment] for moment in ("begin", "end"))
        assert {name: end[name] - begin[name] for name in CALLS} == {name: record["metrics"][name] for name in CALLS}, record["cell"]
        assert record["metrics"]["brk_count"] == 0
        made = {name: made[name] + record["metrics"][name] for name in CALLS}
    assert all(made.values()), f"what was never called was not compared: {made}"
    for record in measured(folder, "memory"):
        before, end = (record["statistics"][moment] for moment in ("before", "end"))
        grown = record["metrics"]["vsz_end_bytes"] - record["metrics"]["vsz_before_bytes"]
        assert end["mapped_bytes"] - before["mapped_bytes"] == grown, record["cell"]
    views = summary(folder)["inside"]
    assert len(views) == len(WORKLOADS.split()) * len(ALLOCATORS.split())
    assert all(view["inside"][name] == view["outside"][name] for view in views for name in CALLS)
    assert "seen from outside and from inside" in out and "≠" not in out.split("≠ not)")[1]
    remote = {view["workload"] for view in views if view["mechanisms_per_1000_operations"]["remote_batches_count"] > 0}
    several_arenas = len(os.sched_getaffinity(0)) > 1
    assert remote == ({"producer_consumer"} if several_arenas else set()), "frees of another thread are remote, others are not"
