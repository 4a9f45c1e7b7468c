"""What a correct suite must show, asserted where it is exact: calls, faults and system calls, never times."""
from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from heapwise_command import BUILD, Heapwise, records

CLANG_BUILD = os.environ.get("HEAPWISE_CLANG_BUILD_DIR")
BUILDS = [BUILD] + ([Path(CLANG_BUILD)] if CLANG_BUILD else [])
#: cells that count a workload's calls in a moment; one that is not here runs as the profile has it, or with its defaults
COUNTED_CELLS: dict[str, tuple[str, ...]] = {
    "small_churn": ("live=1K,operations=200K",),
    "large_churn": ("operations=640",),
    "producer_consumer": ("operations=200K", "producers=2,consumers=3,operations=200K"),
    "asymmetric_free": ("producers=2,consumers=2,live=4K,operations=200K",),
    "realloc_growth": ("buffers=3,max=1M,operations=4200",),
    "document_trees": ("nodes=300,documents=4,operations=200K",),
    "fixed_size": ("batch=100,order=random,operations=200K",),
    "sized_delete": ("operations=200K",),
    "aligned": ("operations=200K",),
    "calloc_zeroing": ("live=50,operations=6400",),
    "larson": ("live=500,rounds=2,operations=200K", "threads=1,live=100,operations=100K"),
    "thread_churn": ("operations=4K",),
    "migrating_stress": ("operations=200K", "threads=1,operations=200K"),
    "request_bursts": ("peak=4M,calls=100,pause_ms=1,operations=10K",),
    "arena_ratchet": ("threads=8,size=1M,operations=160",),
    "mixed_service": ("sessions=100,cache=200,operations=20K", "threads=1,sessions=100,cache=200,operations=10K"),
    "false_sharing_active": ("writes=10,operations=10K",),
    "false_sharing_passive": ("writes=10,operations=10K",),
    "huge_footprint": ("live=32M,operations=20K",),
    "long_running": ("sessions=200,cache=1M,job=64K,operations=60K",),
    "locality": ("live=5000,operations=500K",),
}
#: heap calls an operation where it is always the same
CALLS_PER_OPERATION: dict[str, Fraction] = {
    **dict.fromkeys(("small_churn", "large_churn", "producer_consumer", "asymmetric_free", "larson", "migrating_stress",
                     "request_bursts", "arena_ratchet", "false_sharing_active", "false_sharing_passive", "document_trees"),
                    Fraction(2)),
    "thread_churn": Fraction(2 * 200),  # a task's objects
    "realloc_growth": Fraction(14 + 2, 14),  # 14 reallocs take the malloc and the free of their buffer
    "locality": Fraction(2, 100),  # one object of a hundred is replaced
}

#: their threads start and end in the region, for which the C library calls the heap itself
STARTS_THREADS = {"larson", "thread_churn"}

#: settings -> minor faults an operation and system calls an operation of 1 MiB allocate, touch, free (glibc 2.36)
ONE_MIB_CHURN = {
    "glibc": (0, 0, {}),
    "glibc:mmap_threshold=128K": (256, 257, {"mmap": 1, "munmap": 1}),
    "glibc:mmap_threshold=64M": (222, 226, {"brk": 2}),
    "glibc:mmap_threshold=64M,trim_threshold=1G": (0, 0, {}),
}


def libc_version() -> str:
    gnu_get_libc_version = ctypes.CDLL(None).gnu_get_libc_version
    gnu_get_libc_version.restype = ctypes.c_char_p
    return gnu_get_libc_version().decode()


def counted_specs(heapwise: Heapwise) -> list[str]:
    """Of every workload there is, so that none can be added without being counted."""
    names = [workload["name"] for workload in json.loads(heapwise.run("list", "--json").out)["workloads"]]
    return [f"{name}:{parameters}" if parameters else name
            for name in names for parameters in COUNTED_CELLS.get(name, ("",))]


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.name)
def test_counted_calls_equal_the_announced_ones(heapwise: Heapwise, build: Path) -> None:
    """Catches calls that the compiler deleted, or that the harness makes in the region; and, with the first compiler, an
    allocator under which some workload's objects overlap, are badly aligned or change."""
    allocators = [] if build == BUILD else ["--allocators", "glibc refmalloc"]
    folder = heapwise.folder / "counted"
    specs = counted_specs(heapwise)
    command = [str(build / "heapwise"), "bench", "--profile", "smoke", "--out", str(folder), "--workloads", " ".join(specs),
               "--passes", "checked", *allocators]
    done = subprocess.run(command, cwd=heapwise.folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    checked = records(folder)
    assert len(checked) >= 2 * len(specs)
    for record in checked:
        assert record["status"] == "ok", (record["cell"], record["status_detail"])
        work = record["work"]
        assert work["heap_calls_count"] > 0
        assert (work["library_calls_count"] > 0) == (record["cell"]["workload"] in STARTS_THREADS), record["cell"]
        calls_per_operation = CALLS_PER_OPERATION.get(record["cell"]["workload"])
        if calls_per_operation is not None:
            assert work["heap_calls_count"] == calls_per_operation * work["operations_count"], record["cell"]


@pytest.mark.skipif(libc_version() != "2.36", reason="the figures are those of glibc 2.36")
def test_one_mib_churn_under_glibcs_settings_faults_exactly_as_known(heapwise: Heapwise) -> None:
    """Catches a probe that counts its own faults, a setting that does not arrive, a pinned heap top."""
    answer = heapwise.run("bench", "--profile", "smoke", "--workloads", "large_churn:size=1M,window=1,operations=256",
                          "--allocators", " ".join(ONE_MIB_CHURN), "--out", "churn")
    assert answer.code == 0, answer.err
    for record in records(heapwise.folder / "churn"):
        expected = ONE_MIB_CHURN.get(record["cell"]["allocator"])
        if expected is None:
            continue  # the null allocator
        fewest, most, calls = expected
        operations = record["work"]["operations_count"]
        if record["cell"]["pass"] == "memory":
            assert fewest <= record["metrics"]["minor_faults_count"] / operations <= most, record["cell"]["allocator"]
            assert record["metrics"]["major_faults_count"] == 0
        if record["cell"]["pass"] == "system_calls":
            for name in ("brk", "mmap", "munmap", "madvise", "mremap"):
                assert record["metrics"][f"{name}_count"] == calls.get(name, 0) * operations, record["cell"]["allocator"]


def answers_of_worker(preload: Path, pass_name: str) -> list[dict]:
    """Speaks the worker's protocol with a cell of small_churn; all lines it answers."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        environment = {**os.environ, "LD_PRELOAD": str(preload)}
        worker = subprocess.Popen([str(BUILD / "heapwise-worker"), "--cell-fd", str(theirs.fileno())],
                                  pass_fds=[theirs.fileno()], env=environment)
        theirs.close()
        cell = {"workload": "small_churn", "allocator": "glibc", "threads": 1, "pass": pass_name,
                "parameters": {"live": 100, "min": 16, "max": 1024, "warmup": 0, "operations": 5000}}
        stream = ours.makefile("rw")
        for line in ({"cell": cell, "seed": 1, "cpus": []}, {"message": "go"}):
            stream.write(json.dumps(line) + "\n")
            stream.flush()
        answers = [json.loads(line) for line in stream]
        worker.wait(timeout=60)
        return answers


@pytest.mark.parametrize(("library", "reason"), [("miscount", "announced"), ("library_calls", "the C library made 1 heap")])
def test_a_count_that_differs_by_one_is_a_mismatch_without_figures(heapwise: Heapwise, evil: Path, library: str,
                                                                   reason: str) -> None:
    """Catches a comparison of counts that never fails."""
    ready, figures = answers_of_worker(evil / f"libevil_{library}.so", "throughput")
    assert ready["message"] == "ready"
    assert figures["status"] == "count_mismatch"
    assert reason in figures["status_detail"]
    assert figures["metrics"] == {}


def test_google_benchmark_lists_every_workload_by_hand(heapwise: Heapwise) -> None:
    """Catches a worker that can no longer be run without the parent."""
    done = subprocess.run([str(BUILD / "heapwise-worker"), "--benchmark_list_tests=true"], capture_output=True,
                          text=True, timeout=60, check=True)
    listed = {line.split("/")[0] for line in done.stdout.splitlines()}
    answer = heapwise.run("list", "--json")
    assert listed == {workload["name"] for workload in json.loads(answer.out)["workloads"]}
