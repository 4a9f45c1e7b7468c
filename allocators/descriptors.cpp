// The table of allocators. Names, ranges and indices were each tried on the library named in the
// comment beside them; what a library of another version answers is found out at run time.
#include <array>
#include <cstddef>

#include "allocators/descriptor.h"

namespace heapwise {
namespace {

using std::string_view;

constexpr std::int64_t kMaxInt = INT32_MAX;

constexpr Carrier tunable(string_view name) {
  return {.variable = "GLIBC_TUNABLES", .item = name, .separator = ':'};
}
constexpr Carrier environment(string_view variable) {
  return {.variable = variable, .item = {}};
}
constexpr Carrier jemalloc_conf(string_view item) {
  return {.variable = "MALLOC_CONF", .item = item, .assign = ':', .on = "true", .off = "false"};
}
constexpr Carrier scudo_option(string_view item) {
  return {.variable = "SCUDO_OPTIONS", .item = item, .separator = ':'};
}
constexpr Carrier refmalloc_conf(string_view item) {
  return {.variable = "REFMALLOC_CONF", .item = item};
}

constexpr Reader mallctl(string_view name, ValueType type) {
  return {.kind = ReaderKind::kMallctl, .name = name, .type = type};
}
constexpr Reader numeric_property(string_view name) {
  return {.kind = ReaderKind::kNumericProperty, .name = name};
}
constexpr Reader mimalloc_option(int index) {
  return {.kind = ReaderKind::kIndexedFunction,
          .name = "mi_option_get",
          .index = index,
          .only_version = "209"};
}
constexpr Reader refmalloc_option(string_view key) {
  return {.kind = ReaderKind::kKeyedFunction, .name = "refmalloc_option", .argument = key};
}
constexpr Reader refmalloc_statistic(string_view name) {
  return {.kind = ReaderKind::kKeyedFunction, .name = "refmalloc_statistic", .argument = name};
}
constexpr Reader mallinfo(string_view field) {
  return {.kind = ReaderKind::kMallinfo, .name = field};
}
constexpr Reader behaviour(string_view what) {
  return {.kind = ReaderKind::kBehaviour, .name = what};
}

// glibc has no getter: every setting is measured. Ranges are those of `ld.so --list-tunables`; that
// a value inside them is accepted does not mean that it is obeyed (tcache_count=100000 is not).
constexpr std::array kGlibcSettings{
    Setting{.key = "mmap_threshold",
            .unit = Unit::kBytes,
            .carrier = tunable("glibc.malloc.mmap_threshold"),
            .reader = behaviour("mmapped bit"),
            .help = "objects from this size on are mapped one by one; freezes the dynamic rule"},
    Setting{
        .key = "trim_threshold",
        .unit = Unit::kBytes,
        .carrier = tunable("glibc.malloc.trim_threshold"),
        .reader = behaviour("heap end after a free"),
        .help = "free memory at the heap's end above this is returned; freezes the dynamic rule"},
    Setting{
        .key = "top_pad",
        .unit = Unit::kBytes,
        .carrier = tunable("glibc.malloc.top_pad"),
        .reader = behaviour("growth of the heap"),
        .help = "extra memory taken with every growth of the heap, and kept when it is trimmed"},
    Setting{.key = "mmap_max",
            .maximum = kMaxInt,
            .carrier = tunable("glibc.malloc.mmap_max"),
            .reader = behaviour("number of mapped objects"),
            .help = "how many objects may be mapped one by one at the same time; 0: none"},
    Setting{.key = "arena_max",
            .minimum = 1,
            .carrier = tunable("glibc.malloc.arena_max"),
            .reader = behaviour("arenas of many threads"),
            .help = "how many arenas there may be, whatever the number of threads"},
    Setting{.key = "arena_test",
            .minimum = 1,
            .carrier = tunable("glibc.malloc.arena_test"),
            .reader = behaviour("arenas of many threads"),
            .help = "arenas made before the limit by the number of CPUs (8 each) applies"},
    Setting{.key = "tcache_count",
            .carrier = tunable("glibc.malloc.tcache_count"),
            .reader = behaviour("objects kept back from the arena"),
            .help = "objects of one size a thread keeps in its cache; 0: no cache"},
    Setting{.key = "tcache_max",
            .unit = Unit::kBytes,
            .carrier = tunable("glibc.malloc.tcache_max"),
            .reader = behaviour("largest object kept back from the arena"),
            .help = "largest object a thread keeps in its cache"},
    Setting{.key = "mxfast",
            .unit = Unit::kBytes,
            .carrier = tunable("glibc.malloc.mxfast"),
            .reader = behaviour("largest object in a fastbin"),
            .help = "largest object that is kept unmerged in a fastbin; 0: none"},
    Setting{.key = "hugetlb",
            .unit = Unit::kCount,
            .carrier = tunable("glibc.malloc.hugetlb"),
            .reader = behaviour("flags in smaps"),
            .help = "1: madvise for transparent huge pages; 2: the default huge page size; "
                    "else a huge page size in bytes"},
    Setting{.key = "perturb",
            .maximum = 255,
            .carrier = tunable("glibc.malloc.perturb"),
            .reader = behaviour("content of a fresh object"),
            .help = "fresh objects are filled with this byte's complement, freed ones with it"},
};

constexpr std::array kGlibcStatistics{
    Statistic{"in_use_bytes", mallinfo("uordblks")},
    Statistic{"free_bytes", mallinfo("fordblks")},
    Statistic{"heap_bytes", mallinfo("arena")},
    Statistic{"mapped_objects_bytes", mallinfo("hblkhd")},
    Statistic{"mapped_objects_count", mallinfo("hblks")},
    Statistic{"top_bytes", mallinfo("keepcost")},
};

constexpr std::array<string_view, 3> kRefmallocHugePages{"auto", "never", "always"};

constexpr std::array<string_view, 2> kRefmallocPurges{"dontneed", "free"};

constexpr std::array kRefmallocSettings{
    Setting{.key = "mmap_threshold",
            .unit = Unit::kBytes,
            .carrier = refmalloc_conf("mmap_threshold"),
            .reader = refmalloc_option("mmap_threshold"),
            .help = "objects from this size on are mapped one by one"},
    Setting{.key = "trim_threshold",
            .unit = Unit::kBytes,
            .carrier = refmalloc_conf("trim_threshold"),
            .reader = refmalloc_option("trim_threshold"),
            .help = "idle memory an arena may keep however long it is unused"},
    Setting{.key = "decay_ms",
            .unit = Unit::kMilliseconds,
            .maximum = kMaxInt,
            .carrier = refmalloc_conf("decay_ms"),
            .reader = refmalloc_option("decay_ms"),
            .help = "half-life after which unused memory is returned; 0: at once"},
    Setting{.key = "arenas",
            .minimum = 1,
            .maximum = kMaxInt,
            .carrier = refmalloc_conf("arenas"),
            .reader = refmalloc_option("arenas"),
            .help = "number of arenas"},
    Setting{.key = "thp",
            .unit = Unit::kText,
            .choices = kRefmallocHugePages,
            .carrier = refmalloc_conf("thp"),
            .reader = refmalloc_option("thp"),
            .help = "transparent huge pages for the arenas; auto: once 32 MiB are in use"},
    Setting{.key = "check",
            .unit = Unit::kFlag,
            .carrier = refmalloc_conf("check"),
            .reader = refmalloc_option("check"),
            .help = "no thread caches; every free is checked at once and faults are named"},
    Setting{.key = "background",
            .unit = Unit::kFlag,
            .carrier = refmalloc_conf("background"),
            .reader = refmalloc_option("background"),
            .help = "return unused memory in a thread of its own, in an idle process too"},
    Setting{
        .key = "purge",
        .unit = Unit::kText,
        .choices = kRefmallocPurges,
        .carrier = refmalloc_conf("purge"),
        .reader = refmalloc_option("purge"),
        .help = "unused memory goes at once (madvise DONTNEED) or when the system needs it (FREE)"},
};

constexpr std::array kRefmallocStatistics{
    Statistic{"mapped_bytes", refmalloc_statistic("mapped_bytes")},
    Statistic{"resident_estimate_bytes", refmalloc_statistic("resident_estimate_bytes")},
    Statistic{"active_bytes", refmalloc_statistic("active_bytes")},
    Statistic{"allocated_bytes", refmalloc_statistic("allocated_bytes")},
    Statistic{"cached_bytes", refmalloc_statistic("cached_bytes")},
    Statistic{"retained_bytes", refmalloc_statistic("retained_bytes")},
    Statistic{"dirty_bytes", refmalloc_statistic("dirty_bytes")},
    Statistic{"metadata_bytes", refmalloc_statistic("metadata_bytes")},
    Statistic{"mmap_count", refmalloc_statistic("mmap_count")},
    Statistic{"munmap_count", refmalloc_statistic("munmap_count")},
    Statistic{"madvise_count", refmalloc_statistic("madvise_count")},
    Statistic{"mremap_count", refmalloc_statistic("mremap_count")},
    Statistic{"refills_count", refmalloc_statistic("refills_count")},
    Statistic{"flushes_count", refmalloc_statistic("flushes_count")},
    Statistic{"remote_batches_count", refmalloc_statistic("remote_batches_count")},
    Statistic{"purges_count", refmalloc_statistic("purges_count")},
};

constexpr std::array<string_view, 3> kTransparentHugePageModes{"default", "always", "never"};

// jemalloc 5.3.0
constexpr std::array kJemallocSettings{
    Setting{.key = "narenas",
            .minimum = 1,
            .maximum = 4094,
            .carrier = jemalloc_conf("narenas"),
            .reader = mallctl("opt.narenas", ValueType::kUnsigned),
            .help = "number of arenas; 4 for each CPU if not given"},
    Setting{.key = "dirty_decay_ms",
            .unit = Unit::kMilliseconds,
            .minimum = -1,
            .carrier = jemalloc_conf("dirty_decay_ms"),
            .reader = mallctl("opt.dirty_decay_ms", ValueType::kSigned),
            .help = "time over which unused dirty pages are purged; 0: at once, -1: never"},
    Setting{.key = "muzzy_decay_ms",
            .unit = Unit::kMilliseconds,
            .minimum = -1,
            .carrier = jemalloc_conf("muzzy_decay_ms"),
            .reader = mallctl("opt.muzzy_decay_ms", ValueType::kSigned),
            .help = "time over which lazily purged pages are really given back; -1: never"},
    Setting{.key = "background_thread",
            .unit = Unit::kFlag,
            .carrier = jemalloc_conf("background_thread"),
            .reader = mallctl("opt.background_thread", ValueType::kBool),
            .help = "purge in threads of its own instead of inside malloc and free"},
    Setting{.key = "thp",
            .unit = Unit::kText,
            .choices = kTransparentHugePageModes,
            .carrier = jemalloc_conf("thp"),
            .reader = mallctl("opt.thp", ValueType::kString),
            .help = "transparent huge pages for what it maps"},
};

// Arena 4096 stands for all of them. What jemalloc calls mapped is without what it retains.
constexpr std::array kJemallocStatistics{
    Statistic{"allocated_bytes", mallctl("stats.allocated", ValueType::kSize)},
    Statistic{"active_bytes", mallctl("stats.active", ValueType::kSize)},
    Statistic{"resident_bytes", mallctl("stats.resident", ValueType::kSize)},
    Statistic{"extents_bytes", mallctl("stats.mapped", ValueType::kSize)},
    Statistic{"retained_bytes", mallctl("stats.retained", ValueType::kSize)},
    Statistic{"metadata_bytes", mallctl("stats.metadata", ValueType::kSize)},
    Statistic{"cached_bytes", mallctl("stats.arenas.4096.tcache_bytes", ValueType::kSize)},
    Statistic{"refills_count", mallctl("stats.arenas.4096.small.nfills", ValueType::kSize)},
    Statistic{"flushes_count", mallctl("stats.arenas.4096.small.nflushes", ValueType::kSize)},
    Statistic{"purges_count", mallctl("stats.arenas.4096.dirty_npurge", ValueType::kSize)},
};

// gperftools 2.10
constexpr std::array kTcmallocSettings{
    Setting{.key = "max_total_thread_cache_bytes",
            .unit = Unit::kBytes,
            .carrier = environment("TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES"),
            .reader = numeric_property("tcmalloc.max_total_thread_cache_bytes"),
            .help = "bound on what all thread caches hold together"},
    Setting{.key = "aggressive_decommit",
            .unit = Unit::kFlag,
            .carrier = environment("TCMALLOC_AGGRESSIVE_DECOMMIT"),
            .reader = numeric_property("tcmalloc.aggressive_memory_decommit"),
            .help = "return every free span to the system at once"},
    Setting{.key = "release_rate",
            .unit = Unit::kReal,
            .maximum = 1000,
            .carrier = environment("TCMALLOC_RELEASE_RATE"),
            .reader = {.kind = ReaderKind::kFlagSymbol,
                       .name = "_ZN62FLAG__namespace_do_not_use_directly_use_DECLARE_double_instead"
                               "27FLAGS_tcmalloc_release_rateE",
                       .type = ValueType::kReal},
            .help = "how readily free memory is returned: 0 never, 10 fast"},
};

constexpr std::array kTcmallocStatistics{
    Statistic{"allocated_bytes", numeric_property("generic.current_allocated_bytes")},
    Statistic{"heap_bytes", numeric_property("generic.heap_size")},
    Statistic{"resident_estimate_bytes", numeric_property("generic.total_physical_bytes")},
    Statistic{"free_bytes", numeric_property("tcmalloc.pageheap_free_bytes")},
    Statistic{"unmapped_bytes", numeric_property("tcmalloc.pageheap_unmapped_bytes")},
    Statistic{"cached_bytes", numeric_property("tcmalloc.current_total_thread_cache_bytes")},
};

// What lies in the transfer caches between threads stays there: no call empties them.
constexpr Release kTcmallocRelease{.kind = ReleaseKind::kFunction,
                                   .name = "MallocExtension_ReleaseFreeMemory",
                                   .flush = "MallocExtension_MarkThreadIdle"};

// mimalloc 2.0.9: which index belongs to which variable was found by setting each and looking.
constexpr std::array kMimallocSettings{
    Setting{.key = "large_os_pages",
            .unit = Unit::kFlag,
            .carrier = environment("MIMALLOC_LARGE_OS_PAGES"),
            .reader = mimalloc_option(6),
            .help = "use large system pages where the system has them"},
    Setting{.key = "page_reset",
            .unit = Unit::kFlag,
            .carrier = environment("MIMALLOC_PAGE_RESET"),
            .reader = mimalloc_option(11),
            .help = "return the memory of a page when all its objects are free"},
    Setting{.key = "eager_commit_delay",
            .maximum = kMaxInt,
            .carrier = environment("MIMALLOC_EAGER_COMMIT_DELAY"),
            .reader = mimalloc_option(14),
            .help = "the first segments of each thread that are not committed eagerly"},
    Setting{.key = "decommit_delay",
            .unit = Unit::kMilliseconds,
            .maximum = kMaxInt,
            .carrier = environment("MIMALLOC_DECOMMIT_DELAY"),
            .reader = mimalloc_option(15),
            .help = "how long free memory waits before it is returned"},
    Setting{.key = "allow_decommit",
            .unit = Unit::kFlag,
            .carrier = environment("MIMALLOC_ALLOW_DECOMMIT"),
            .reader = mimalloc_option(22),
            .help = "return free memory at all"},
};

// A segment that holds an object gives its free pages back later, asked or not: decommit_delay and
// more after the last of them was freed, when another is taken from it.
constexpr Release kMimallocRelease{.kind = ReleaseKind::kBooleanFunction, .name = "mi_collect"};

// oneTBB 2021.8: it has no getter, and no effect that could be told apart here.
constexpr std::array kTbbmallocSettings{
    Setting{.key = "use_huge_pages",
            .unit = Unit::kFlag,
            .carrier = environment("TBB_MALLOC_USE_HUGE_PAGES"),
            .help = "use huge pages where the system has them"},
    Setting{.key = "huge_size_threshold",
            .unit = Unit::kBytes,
            .carrier = environment("TBB_MALLOC_SET_HUGE_SIZE_THRESHOLD"),
            .help = "objects from this size on are not released by regular clean-ups"},
};

constexpr int kTbbCleanAllBuffers = 0;  // TBBMALLOC_CLEAN_ALL_BUFFERS of tbb/scalable_allocator.h

constexpr int kScudoPurge = -101;  // M_PURGE

// scudo_standalone of LLVM 14
constexpr std::array kScudoSettings{
    Setting{.key = "release_to_os_interval_ms",
            .unit = Unit::kMilliseconds,
            .minimum = -1,
            .maximum = kMaxInt,
            .carrier = scudo_option("release_to_os_interval_ms"),
            .help = "time between attempts to return memory; -1: never"},
    Setting{.key = "quarantine_size_kb",
            .maximum = kMaxInt,
            .carrier = scudo_option("quarantine_size_kb"),
            .reader = behaviour("quarantine limits in the statistics"),
            .help = "KiB of freed objects held back from reuse by all threads"},
    Setting{.key = "thread_local_quarantine_size_kb",
            .maximum = kMaxInt,
            .carrier = scudo_option("thread_local_quarantine_size_kb"),
            .reader = behaviour("quarantine limits in the statistics"),
            .help = "KiB of freed objects held back in each thread before the common quarantine"},
    Setting{.key = "zero_contents",
            .unit = Unit::kFlag,
            .carrier = scudo_option("zero_contents"),
            .reader = behaviour("content of a reused object"),
            .help = "fill fresh objects with zeros"},
};

constexpr std::array<string_view, 1> kGlibcLibraries{"libc.so.6"};
constexpr std::array<string_view, 1> kRefmallocLibraries{"librefmalloc.so"};
constexpr std::array<string_view, 1> kJemallocLibraries{"libjemalloc.so.2"};
constexpr std::array<string_view, 1> kTcmallocLibraries{"libtcmalloc_minimal.so.4"};
constexpr std::array<string_view, 1> kTcmallocFullLibraries{"libtcmalloc.so.4"};
constexpr std::array<string_view, 1> kMimallocLibraries{"libmimalloc.so.2"};
constexpr std::array<string_view, 1> kTbbmallocLibraries{"libtbbmalloc_proxy.so.2"};
constexpr std::array<string_view, 1> kScudoLibraries{"libclang_rt.scudo_standalone-*.so"};
constexpr std::array<string_view, 1> kNullLibraries{"libheapwise_null.so"};

constexpr std::array<string_view, 2> kGlibcVariables{"GLIBC_TUNABLES", "MALLOC_*"};
constexpr std::array<string_view, 1> kRefmallocVariables{"REFMALLOC_*"};
constexpr std::array<string_view, 1> kJemallocVariables{"MALLOC_CONF"};
constexpr std::array<string_view, 2> kTcmallocVariables{"TCMALLOC_*", "MALLOCSTATS"};
constexpr std::array<string_view, 6> kTcmallocFullVariables{
    "TCMALLOC_*", "HEAPPROFILE", "HEAPCHECK", "HEAP_PROFILE_*", "HEAP_CHECK_*", "PERFTOOLS_*"};
constexpr std::array<string_view, 1> kMimallocVariables{"MIMALLOC_*"};
constexpr std::array<string_view, 2> kTbbmallocVariables{"TBB_MALLOC_*", "TBB_VERSION"};
constexpr std::array<string_view, 1> kScudoVariables{"SCUDO_OPTIONS"};

constexpr std::array kDescriptors{
    AllocatorDescriptor{
        .name = "glibc",
        .summary = "the C library's malloc (ptmalloc): arenas of one heap each, thread caches",
        .libraries = kGlibcLibraries,
        .package = "libc6",
        .version = {.kind = ReaderKind::kStringFunction, .name = "gnu_get_libc_version"},
        .ownership = {.kind = OwnershipKind::kGlibcChunk, .name = "mallinfo2"},
        .release = {.kind = ReleaseKind::kSizeFunction, .name = "malloc_trim"},
        .settings = kGlibcSettings,
        .statistics = kGlibcStatistics,
        .variables = kGlibcVariables,
    },
    AllocatorDescriptor{
        .name = "refmalloc",
        .summary = "this project's reference allocator: magazines over out-of-band bitmap slabs",
        .libraries = kRefmallocLibraries,
        .in_parts_directory = true,
        .version = {.kind = ReaderKind::kStringFunction, .name = "refmalloc_version"},
        .ownership = {.kind = OwnershipKind::kBooleanOfPointer, .name = "refmalloc_owns"},
        .release = {.kind = ReleaseKind::kSizeFunction, .name = "malloc_trim"},
        .settings = kRefmallocSettings,
        .statistics = kRefmallocStatistics,
        .variables = kRefmallocVariables,
    },
    AllocatorDescriptor{
        .name = "jemalloc",
        .summary = "arenas of extents, thread caches, purging by decay",
        .libraries = kJemallocLibraries,
        .package = "libjemalloc2",
        .version = mallctl("version", ValueType::kString),
        .ownership = {.kind = OwnershipKind::kMallctlGrows, .name = "thread.allocated"},
        .release = {.kind = ReleaseKind::kMallctl,
                    .name = "arena.4096.purge",
                    .flush = "thread.tcache.flush"},
        .settings = kJemallocSettings,
        .statistics = kJemallocStatistics,
        .variables = kJemallocVariables,
    },
    AllocatorDescriptor{
        .name = "tcmalloc",
        .summary = "gperftools' thread-caching malloc without the profiler",
        .libraries = kTcmallocLibraries,
        .package = "libtcmalloc-minimal4",
        .version = {.kind = ReaderKind::kStringFunction, .name = "tc_version"},
        .ownership = {.kind = OwnershipKind::kIntegerOfPointer,
                      .name = "MallocExtension_GetOwnership"},
        .release = kTcmallocRelease,
        .settings = kTcmallocSettings,
        .statistics = kTcmallocStatistics,
        .variables = kTcmallocVariables,
    },
    AllocatorDescriptor{
        .name = "tcmalloc_full",
        .summary = "gperftools' thread-caching malloc with heap profiler and checker",
        .libraries = kTcmallocFullLibraries,
        .package = "libgoogle-perftools4",
        .on_request = true,
        .version = {.kind = ReaderKind::kStringFunction, .name = "tc_version"},
        .ownership = {.kind = OwnershipKind::kIntegerOfPointer,
                      .name = "MallocExtension_GetOwnership"},
        .release = kTcmallocRelease,
        .settings = kTcmallocSettings,
        .statistics = kTcmallocStatistics,
        .variables = kTcmallocFullVariables,
    },
    AllocatorDescriptor{
        .name = "mimalloc",
        .summary = "pages with sharded free lists in segments of one thread each",
        .libraries = kMimallocLibraries,
        .package = "libmimalloc2.0",
        .version = {.kind = ReaderKind::kIntegerFunction, .name = "mi_version"},
        .ownership = {.kind = OwnershipKind::kBooleanOfPointer, .name = "mi_is_in_heap_region"},
        .release = kMimallocRelease,
        .settings = kMimallocSettings,
        .variables = kMimallocVariables,
    },
    AllocatorDescriptor{
        .name = "tbbmalloc",
        .summary = "oneTBB's scalable malloc; the proxy answers, libtbbmalloc.so.2 has the objects",
        .libraries = kTbbmallocLibraries,
        .package = "libtbbmalloc2",
        .ownership = {.kind = OwnershipKind::kSizeOfPointer, .name = "__TBB_malloc_safer_msize"},
        .release = {.kind = ReleaseKind::kCommandFunction,
                    .name = "scalable_allocation_command",
                    .argument = kTbbCleanAllBuffers},
        .settings = kTbbmallocSettings,
        .variables = kTbbmallocVariables,
    },
    AllocatorDescriptor{
        .name = "scudo",
        .summary = "LLVM's hardened malloc: checksummed headers, random placement",
        .libraries = kScudoLibraries,
        .package = "libclang-rt-14-dev",
        .ownership = {.kind = OwnershipKind::kHeapWalk, .name = "malloc_iterate"},
        .release = {.kind = ReleaseKind::kOptionFunction,
                    .name = "mallopt",
                    .argument = kScudoPurge},
        .settings = kScudoSettings,
        .variables = kScudoVariables,
    },
    AllocatorDescriptor{
        .name = "null",
        .summary =
            "the harness's own: nothing but a fixed buffer, shows what the loop itself costs",
        .libraries = kNullLibraries,
        .in_parts_directory = true,
        .harness_own = true,
        .version = {.kind = ReaderKind::kStringFunction, .name = "heapwise_null_version"},
    },
};

}  // namespace

std::span<const AllocatorDescriptor> all_descriptors() {
  return kDescriptors;
}

}  // namespace heapwise
