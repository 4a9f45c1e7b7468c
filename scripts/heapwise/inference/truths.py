"""What is known to be true of named allocators, as data: `heapwise.inference.evidence` checks it on a result folder.

A truth that does not hold in a folder is a finding (about the machine, the allocator's version or this
suite) or a wrong sentence here. Tolerances: a factor of about 3 both ways around what was measured,
because machines differ; where a figure follows from page sizes and the source of the C library it is
checked on every run, to the fault.

This table is evidence about allocators, so it names them; it is no list of allocators.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

KIB, MIB = 1 << 10, 1 << 20
DEBIAN = "measured: Debian 12, glibc 2.36, x86-64, 2 CPUs"
MALLOPT = f"mallopt(3) and malloc/malloc.c of glibc; {DEBIAN}"


@dataclass(frozen=True)
class Tolerance:
    """Both ends included; None: open. `every_run`: one run outside is enough to say that it does not hold."""

    low: float | None
    high: float | None
    every_run: bool = False


@dataclass(frozen=True)
class Cells:
    """The cells a truth is about: a workload and those of its parameters that matter. `threads` is the least number."""

    workload: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    at_least: Mapping[str, int] = field(default_factory=dict)
    threads: int = 1


@dataclass(frozen=True)
class Figure:
    """One allocator's figure in each cell. `metric` is one of metrics.py or of evidence.py; no `cells`: all."""

    allocator: str
    metric: str
    tolerance: Tolerance
    cells: Cells | None


@dataclass(frozen=True)
class Ratio:
    """One allocator's figure over another's, paired inside blocks."""

    allocator: str
    against: str
    metric: str
    tolerance: Tolerance
    cells: Cells


@dataclass(frozen=True)
class CellRatio:
    """One allocator's figure in one cell over that in another. The cells differ in one parameter, which is `upper` in
    the one and `lower` in the other; its name does not matter."""

    workload: str
    allocator: str
    metric: str
    upper: int
    lower: int
    tolerance: Tolerance


@dataclass(frozen=True)
class OrderChanges:
    """Two allocators of which one is significantly faster in one cell and significantly slower in another.

    `examples`: specs of two cells, for whoever has none."""

    workload: str
    metric: str
    examples: tuple[str, str]


@dataclass(frozen=True)
class SameLibrary:
    """The ratio of two specs of one group behind which the same library with the same settings was proved."""

    metrics: tuple[str, ...]
    tolerance: Tolerance


@dataclass(frozen=True)
class EveryRun:
    """A rule of rules.py that no run may break."""

    rule: str


Check = Figure | Ratio | CellRatio | OrderChanges | SameLibrary | EveryRun


@dataclass(frozen=True)
class Machine:
    """Where a truth can be tested at all. An open field asks for nothing; `libc` is what its name begins with."""

    libc: str = ""
    page_bytes: int = 0
    cpus_count: int = 1
    thp_always: bool = True


@dataclass(frozen=True)
class Truth:
    """`sentence`: what is true and why. `source`: how it is known. `profile`: of the bench that shows it."""

    id: str
    sentence: str
    source: str
    check: Check
    machine: Machine = Machine()
    profile: str = ""


ANY = Machine()
GLIBC = Machine(libc="glibc")
# 1 MiB is 256 pages of 4 KiB, one fault each; a huge page would be one for 512 of them.
GLIBC_PAGES = Machine(libc="glibc", page_bytes=4096, thp_always=False)
PAGES = Machine(page_bytes=4096, thp_always=False)

CHURN_1M = Cells("large_churn", {"size": MIB, "window": 1})
CHURN_16M = Cells("large_churn", {"size": 16 * MIB, "window": 1})
FAULTS, TIME, CALLS = "minor_faults_per_operation", "wall_per_operation_ns", "system_calls_per_operation"
NONE = Tolerance(0.0, 0.001, every_run=True)
TWO_CALLS = Tolerance(1.99, 2.01, every_run=True)
ALL_PAGES_AND_HEADER = Tolerance(256.0, 258.0, every_run=True)

MMAP_128K = "glibc:mmap_threshold=128K"
MMAP_64M = "glibc:mmap_threshold=64M"
BOTH_RAISED = "glibc:mmap_threshold=64M,trim_threshold=1G"

GLIBC_THRESHOLDS = (
    Truth("glibc-1m-faults",
          "glibc as installed takes no page fault to allocate, write and free 1 MiB again and again: the first "
          "free() of a mapped chunk raises mp_.mmap_threshold to its size and mp_.trim_threshold to twice that, so "
          "the heap keeps it",
          MALLOPT, Figure("glibc", FAULTS, NONE, CHURN_1M), GLIBC_PAGES),
    Truth("glibc-1m-system-calls",
          "glibc as installed makes no system call for that either: neither mmap nor brk once the threshold has "
          "risen",
          MALLOPT, Figure("glibc", CALLS, NONE, CHURN_1M), GLIBC),
    Truth("glibc-1m-time",
          "it takes glibc as installed about 2 us an operation: the writes to 256 resident pages, no more (a factor "
          "of 4: it is the cache's time)",
          DEBIAN, Figure("glibc", TIME, Tolerance(500.0, 8_000.0), CHURN_1M), GLIBC_PAGES),
    Truth("glibc-mmap-128k-faults",
          "with mmap_threshold=128K each of its pages faults at each operation, the chunk's header included: "
          "setting it ends the dynamic rule (mp_.no_dyn_threshold), sysmalloc() maps and munmap_chunk() unmaps "
          "every time",
          MALLOPT, Figure(MMAP_128K, FAULTS, ALL_PAGES_AND_HEADER, CHURN_1M), GLIBC_PAGES),
    Truth("glibc-mmap-128k-system-calls",
          "with mmap_threshold=128K an operation is exactly two system calls, mmap and munmap",
          MALLOPT, Figure(MMAP_128K, CALLS, TWO_CALLS, CHURN_1M), GLIBC),
    Truth("glibc-mmap-128k-time",
          "mmap_threshold=128K makes it about 200 times slower than as installed: the kernel zeroes 257 fresh pages",
          DEBIAN, Ratio(MMAP_128K, "glibc", TIME, Tolerance(67.0, 600.0), CHURN_1M), GLIBC_PAGES),
    Truth("glibc-mmap-64m-alone-faults",
          "mmap_threshold=64M and nothing else hardly helps, 200 to 257 faults an operation: setting it freezes "
          "mp_.trim_threshold at 128K, so systrim() gives the heap's top back at each free, all but a part of it",
          MALLOPT, Figure(MMAP_64M, FAULTS, Tolerance(200.0, 257.0, every_run=True), CHURN_1M), GLIBC_PAGES),
    Truth("glibc-mmap-64m-alone-system-calls",
          "with mmap_threshold=64M alone an operation is exactly two system calls, brk up in sysmalloc() and down "
          "in systrim()",
          MALLOPT, Figure(MMAP_64M, CALLS, TWO_CALLS, CHURN_1M), GLIBC),
    Truth("glibc-mmap-64m-alone-time",
          "mmap_threshold=64M alone is still more than 20 times slower than as installed: the faults remain",
          DEBIAN, Ratio(MMAP_64M, "glibc", TIME, Tolerance(20.0, 600.0), CHURN_1M), GLIBC_PAGES),
    Truth("glibc-both-raised-faults",
          "mmap_threshold=64M together with trim_threshold=1G takes no page fault: sysmalloc() does not map and "
          "free() does not trim",
          MALLOPT, Figure(BOTH_RAISED, FAULTS, NONE, CHURN_1M), GLIBC_PAGES),
    Truth("glibc-both-raised-time",
          "mmap_threshold=64M together with trim_threshold=1G is as fast as glibc as installed, which found the "
          "same by itself",
          DEBIAN, Ratio(BOTH_RAISED, "glibc", TIME, Tolerance(1 / 1.5, 1.5), CHURN_1M), GLIBC_PAGES),
    Truth("glibc-trim-1g-alone-faults",
          "trim_threshold=1G and nothing else takes every fault: setting any of the thresholds ends the dynamic "
          "rule, and mp_.mmap_threshold stays at 128K",
          MALLOPT, Figure("glibc:trim_threshold=1G", FAULTS, ALL_PAGES_AND_HEADER, CHURN_1M), GLIBC_PAGES),
    Truth("glibc-top-pad-64m-faults",
          "top_pad=64M alone takes no fault: malloc() maps only what the heap's top cannot serve, sysmalloc() has "
          "taken 64 MiB more than was asked for and systrim() keeps them",
          MALLOPT, Figure("glibc:top_pad=64M", FAULTS, NONE, CHURN_1M), GLIBC_PAGES),
)

LARGE_OBJECTS = (
    Truth("glibc-16m-faults",
          "glibc as installed takes no fault for 16 MiB either: the dynamic threshold follows up to 32 MiB "
          "(DEFAULT_MMAP_THRESHOLD_MAX)",
          MALLOPT, Figure("glibc", FAULTS, NONE, CHURN_16M), GLIBC_PAGES),
    Truth("jemalloc-16m-faults",
          "jemalloc faults in all 4096 pages of a 16 MiB object at each operation: objects above "
          "opt.oversize_threshold (8 MiB) come from an arena of their own that purges at once",
          f"jemalloc(3), opt.oversize_threshold; {DEBIAN}, jemalloc 5.3.0",
          Figure("jemalloc", FAULTS, Tolerance(4096 / 3, 4096 * 3.0, every_run=True), CHURN_16M), PAGES),
    Truth("tcmalloc-16m-faults",
          "tcmalloc does not: its page heap keeps the span and gives memory back only at its release rate",
          f"gperftools' TCMALLOC_RELEASE_RATE; {DEBIAN}, gperftools 2.10",
          Figure("tcmalloc", FAULTS, Tolerance(0.0, 1.0, every_run=True), CHURN_16M), PAGES),
)

THREADS = (
    Truth("producer-consumer-order",
          "which allocator is faster where objects are freed by another thread changes with block size and with the "
          "ratio of producers to consumers: each hands memory back to its maker in another way",
          DEBIAN, OrderChanges("producer_consumer", TIME,
                               ("producer_consumer", "producer_consumer:producers=2,consumers=2"))),
    Truth("producer-consumer-glibc-tail",
          "one malloc in a hundred takes glibc about 2.5 us (a factor of 4) where another thread frees: "
          "_int_malloc() waits for the arena's mutex while free() of the other thread holds it; one in a thousand sleeps for it",
          DEBIAN, Figure("glibc", "allocate_p99_ns", Tolerance(2_500 / 4, 2_500 * 4.0), Cells("producer_consumer")),
          GLIBC),
    Truth("false-sharing-passive",
          "objects of 16 bytes that different threads write cost about 6 times as much as objects of 64 bytes: two of "
          "glibc's smallest chunks share a cache line, and tcache_get() hands a freed neighbour on to whichever thread "
          "freed it",
          DEBIAN, CellRatio("false_sharing_passive", "glibc", TIME, 16, 64, Tolerance(2.0, 18.0)),
          Machine(cpus_count=2)),
    Truth("arena-ratchet",
          "64 threads that cycle buffers of 11 MiB leave glibc with at least 10 times as much memory as with a "
          "pinned threshold: the first free() raises mp_.mmap_threshold above them, and each arena keeps below "
          "twice that (mp_.trim_threshold)",
          MALLOPT, Ratio("glibc", MMAP_128K, "rss_drained_growth_bytes", Tolerance(10.0, None),
                         Cells("arena_ratchet", threads=64)), GLIBC),
    Truth("one-arena-time",
          "one arena instead of many more than doubles the time of a server-like churn on several CPUs: all threads "
          "wait for main_arena's mutex",
          MALLOPT, Ratio("glibc:arena_max=1", "glibc", TIME, Tolerance(2.0, 18.0), Cells("mixed_service", threads=2)),
          Machine(libc="glibc", cpus_count=2)),
    Truth("one-arena-rss",
          "one arena instead of many takes about half of the memory of a server-like churn: what one thread freed "
          "serves them all",
          MALLOPT, Ratio("glibc:arena_max=1", "glibc", "rss_peak_growth_bytes", Tolerance(0.17, 0.85),
                         Cells("mixed_service", threads=2)), Machine(libc="glibc", cpus_count=2)),
)

FRAGMENTATION = (
    Truth("small-churn-glibc-rss",
          "random replacement of many small objects settles near RSS/live 1.06 on glibc: unlink_chunk() and the "
          "bins reuse and merge neighbours, so what is left over is headers, rounding and holes",
          DEBIAN, Figure("glibc", "rss_per_live_at_end", Tolerance(1.0, 1.25),
                         Cells("small_churn", at_least={"live": 100_000})), GLIBC),
    Truth("fragmentation-ladder-glibc-rss",
          "a ladder of rising sizes of which 10 % survive ends above RSS/live 10 on glibc: no hole between "
          "survivors is large enough for the next size, and only the heap's top can be trimmed",
          DEBIAN, Figure("glibc", "rss_per_live_at_end", Tolerance(10.0, 34.0), Cells("fragmentation_ladder", {"survivors": 10, "factor": 12})), GLIBC),
)

GENERAL = (
    Truth("identity", "every run that ended ok says which library answered malloc in it",
          "the suite's own rule: a preload that fails prints a line and exits with 0", EveryRun("identity")),
    Truth("one-library", "a spec stands for one library of one build in all runs of a workload",
          "the suite's own rule: an upgrade amid a campaign would mix two allocators", EveryRun("one_library")),
    Truth("same-work", "all runs of a group made the same number of operations, and those of a block of heap calls",
          "the suite's own rule: work that follows speed makes the heap's history follow it too",
          EveryRun("same_work")),
    Truth("checked", "no object was overlapped, misaligned or changed, and the calls counted are those announced",
          "the suite's own rule, checked call for call in the pass `checked`", EveryRun("checked")),
    Truth("null-faults",
          "on an allocator that does nothing the measured region takes at most two faults a thread: the harness "
          "adds none to those of an allocator",
          DEBIAN, Figure("null", "faults_per_thread", Tolerance(0.0, 2.0, every_run=True), None), ANY, "full"),
    Truth("same-library-time", "one library under two names takes the same time, within 10 %",
          "the suite's own rule: what differs between two equals is the harness",
          SameLibrary((TIME, "wall_ns"), Tolerance(1 / 1.1, 1.1))),
)

TRUTHS: tuple[Truth, ...] = (*GENERAL, *GLIBC_THRESHOLDS, *LARGE_OBJECTS, *FRAGMENTATION, *THREADS)
