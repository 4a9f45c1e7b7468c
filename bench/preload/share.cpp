// libheapwise_share.so: in front of glibc's malloc, keeps account of the memory that is malloc's,
// in the file PID.ranges (malloc_ranges.h) of the folder named by HEAPWISE_SHARE_FOLDER, which
// should be absolute. Never used in a timed pass: every call touches shared counters.
//
// Without the variable, where the file cannot be made, or where another allocator or layout is
// found behind it, it only forwards. In front of another allocator it still makes the file, which
// then says so. Objects of the boot pool are not counted.
//
// Each process has a file of its own:
//   exec            the new program replaces the file of the old one
//   fork            the child's file begins with what it inherited; made by the fork handler, or by
//                   the first call where the child was forked without the handlers
//   vfork, spawn    the child borrows its parent's memory, and its parent's file with it
// Files stay when their processes end. No file is ever shortened: that would kill who has it
// mapped.
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>

#include "bench/preload/glibc_chunk.h"
#include "bench/preload/interposition.h"
#include "bench/preload/malloc_provider.h"
#include "bench/preload/malloc_ranges.h"
#include "bench/preload/range_records.h"
#include "bench/preload/raw_system_calls.h"
#include "bench/preload/text_buffer.h"

namespace heapwise {
namespace {

constexpr char kFolderVariable[] = "HEAPWISE_SHARE_FOLDER";
constexpr mode_t kFileMode = 0666;  // less the umask
constexpr std::size_t kPathCapacity = 4096;
constexpr std::size_t kSmallProbeBytes = 100;
constexpr std::size_t kLargeProbeBytes = std::size_t{1} << 20;

enum class Setup { kAwaited, kInProgress, kComplete, kRefused };
enum class Publishing { kAwaited, kInProgress, kRecording, kSilent };

// Alone in a page that the kernel clears in a forked child, however it was forked.
struct Publication {
  std::atomic<Publishing> state;
  MallocRanges* file;
};
static_assert(static_cast<int>(Publishing::kAwaited) == 0, "what a cleared page says");

// Set up once in a process; a forked child inherits it.
constinit std::atomic<Setup> setup{Setup::kAwaited};
constinit TextBuffer<kPathCapacity> folder;
constinit Publication* publication = nullptr;
constinit MallocRanges kept{};                  // the private copy
constinit MallocRanges* mapped_file = nullptr;  // in a forked child at first its parent's

std::uint64_t heap_break() {
  return reinterpret_cast<std::uintptr_t>(sbrk(0));
}

// By the dynamic linker's own account: the object that answers is the one with glibc's version.
bool glibc_answers_malloc() {
  static constinit MallocProvider provider{};  // too large for a small stack
  const void* in_glibc = dlsym(RTLD_NEXT, "gnu_get_libc_version");
  Dl_info glibc{};
  return in_glibc != nullptr && dladdr(in_glibc, &glibc) != 0 && find_malloc_provider(provider) &&
         reinterpret_cast<std::uintptr_t>(glibc.dli_fbase) == provider.base;
}

bool has_known_layout(void* object, std::size_t size) {
  const GlibcChunk chunk(object);
  const std::size_t page = getauxval(AT_PAGESZ);
  const std::size_t overhead =
      chunk.is_mapped() ? GlibcChunk::kHeaderBytes : GlibcChunk::kWordBytes;
  const AddressRange mapping = chunk.mapping();
  const bool is_whole_mapping =
      mapping.begins == chunk.address() && mapping.begins % page == 0 && mapping.length % page == 0;
  return chunk.bytes() >= size + overhead &&
         next_heap.malloc_usable_size(object) == chunk.bytes() - overhead &&
         (!chunk.is_mapped() || is_whole_mapping);
}

// The large object is never freed: glibc would raise its mmap threshold, and the program would no
// longer run as it does without us. It takes one page of memory.
bool try_layout() {
  void* small = next_heap.malloc(kSmallProbeBytes);
  void* large = next_heap.malloc(kLargeProbeBytes);
  if (small == nullptr || large == nullptr) return false;
  const bool is_known =
      has_known_layout(small, kSmallProbeBytes) && has_known_layout(large, kLargeProbeBytes);
  next_heap.free(small);
  return is_known;
}

// Where the kernel cannot clear the page, the fork handler alone must do.
Publication* map_publication() {
  const std::size_t page = getauxval(AT_PAGESZ);
  void* mapped = raw::map_memory(page, MAP_PRIVATE | MAP_ANONYMOUS);
  if (mapped != nullptr) madvise(mapped, page, MADV_WIPEONFORK);
  return static_cast<Publication*>(mapped);
}

bool set_up() {
  const char* name = getenv(kFolderVariable);
  if (name == nullptr || *name == '\0') return false;
  folder.append(name);
  publication = map_publication();
  if (publication == nullptr || !folder.is_complete()) return false;
  kept.main_heap_begins = heap_break();
  const bool is_known = glibc_answers_malloc() && try_layout();
  kept.layout = is_known ? MallocLayout::kGlibc : MallocLayout::kUnknown;
  return true;
}

// In the first call of all, where there is one thread.
bool is_set_up() {
  const Setup state = setup.load(std::memory_order_acquire);
  if (state == Setup::kComplete) [[likely]]
    return true;
  if (state != Setup::kAwaited) return false;
  setup.store(Setup::kInProgress, std::memory_order_relaxed);
  const int saved_errno = errno;
  const bool is_complete = set_up();
  errno = saved_errno;
  setup.store(is_complete ? Setup::kComplete : Setup::kRefused, std::memory_order_release);
  return is_complete;
}

// A file beyond its limit would kill the process by a signal.
bool may_make_file() {
  rlimit limit{};
  return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur >= sizeof(MallocRanges);
}

// Always a new file: of the same number there may be one that another process has mapped.
MallocRanges* make_file(std::int64_t pid) {
  if (!may_make_file()) return nullptr;
  TextBuffer<kPathCapacity + 32> path;
  path.append({folder.text(), folder.length()});
  path.append("/");
  path.append_number(pid);
  path.append(kMallocRangesSuffix);
  raw::remove_file(path.text());
  const int file = raw::open_file(path.text(), O_RDWR | O_CREAT | O_EXCL, kFileMode);
  if (file < 0) return nullptr;
  void* mapped = nullptr;
  if (raw::set_length(file, sizeof(MallocRanges))) {
    mapped = raw::map_memory(sizeof(MallocRanges), MAP_SHARED, file);
  }
  raw::close_file(file);
  return static_cast<MallocRanges*>(mapped);
}

// Writes no zeros, so that the file stays sparse.
void copy_slots(const std::uint64_t* from, std::uint64_t* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (from[i] != 0) to[i] = from[i];
  }
}

void fill(MallocRanges& file, std::int64_t pid) {
  file.version = kMallocRangesVersion;
  file.pid = pid;
  file.layout = kept.layout;
  file.main_heap_begins = kept.main_heap_begins;
  file.live_bytes = kept.live_bytes;
  file.unrecorded_count = kept.unrecorded_count;
  copy_slots(kept.arena_heaps, file.arena_heaps, kArenaHeapsMost);
  copy_slots(kept.mapped_objects, file.mapped_objects, kMappedObjectsMost);
  std::atomic_ref(file.magic).store(kMallocRangesMagic, std::memory_order_release);
}

void publish() {
  const int saved_errno = errno;
  if (mapped_file != nullptr) raw::unmap_memory(mapped_file, sizeof(MallocRanges));
  const std::int64_t pid = syscall(SYS_getpid);
  mapped_file = make_file(pid);
  // What happens unrecorded cannot be made up for in a child of this process either.
  if (mapped_file == nullptr) kept.layout = MallocLayout::kUnknown;
  if (mapped_file != nullptr) fill(*mapped_file, pid);
  publication->file = mapped_file;
  const bool is_recording = kept.layout == MallocLayout::kGlibc;
  publication->state.store(is_recording ? Publishing::kRecording : Publishing::kSilent,
                           std::memory_order_release);
  errno = saved_errno;
}

/// Where to record; nullptr when nothing is recorded, or not yet.
MallocRanges* recorded_file() {
  if (!is_set_up()) return nullptr;
  Publishing state = publication->state.load(std::memory_order_acquire);
  if (state == Publishing::kAwaited &&
      publication->state.compare_exchange_strong(state, Publishing::kInProgress)) {
    publish();
    state = publication->state.load(std::memory_order_acquire);
  }
  return state == Publishing::kRecording ? publication->file : nullptr;
}

// Set up before the first object is made, so that none is missed.
bool is_ready() {
  if (!next_heap_ready()) return false;
  recorded_file();
  return true;
}

// The main arena goes elsewhere only when its heap cannot grow.
bool is_in_main_heap(const GlibcChunk& chunk) {
  return chunk.address() >= kept.main_heap_begins && chunk.address() < heap_break();
}

void* record(void* object) {
  if (object == nullptr || boot_pool.owns(object)) return object;
  MallocRanges* file = recorded_file();
  if (file == nullptr) return object;
  RangeRecords records(kept, *file);
  const GlibcChunk chunk(object);
  records.add_live_bytes(static_cast<std::int64_t>(next_heap.malloc_usable_size(object)));
  if (chunk.is_mapped()) {
    records.add_mapped_object(chunk.mapping());
  } else if (chunk.is_in_arena_heap()) {
    records.add_arena_heap(chunk.arena_heap());
  } else if (!is_in_main_heap(chunk)) {
    records.add_unrecorded(1);
  }
  return object;
}

// Before the object goes: afterwards its memory may be another's already.
void forget(void* object) {
  MallocRanges* file = object == nullptr ? nullptr : recorded_file();
  if (file == nullptr) return;
  RangeRecords records(kept, *file);
  const GlibcChunk chunk(object);
  records.add_live_bytes(-static_cast<std::int64_t>(next_heap.malloc_usable_size(object)));
  if (chunk.is_mapped()) {
    records.remove_mapped_object(chunk.mapping());
  } else if (!chunk.is_in_arena_heap() && !is_in_main_heap(chunk)) {
    records.add_unrecorded(-1);
  }
}

void begin_in_forked_child() {
  if (!is_set_up()) return;
  publication->state.store(Publishing::kAwaited, std::memory_order_relaxed);
  recorded_file();
}

__attribute__((constructor)) void begin() {
  is_ready();
  pthread_atfork(nullptr, nullptr, begin_in_forked_child);
}

}  // namespace
}  // namespace heapwise

using heapwise::boot_pool;
using heapwise::is_ready;
using heapwise::next_heap;
using heapwise::record;

HEAPWISE_EXPORT int heapwise_interposer;
int heapwise_interposer = 1;

HEAPWISE_EXPORT void* malloc(std::size_t size) noexcept {
  return is_ready() ? record(next_heap.malloc(size)) : boot_pool.allocate(size);
}

HEAPWISE_EXPORT void free(void* object) noexcept {
  if (boot_pool.owns(object) || !is_ready()) return;
  heapwise::forget(object);
  next_heap.free(object);
}

HEAPWISE_EXPORT void* calloc(std::size_t items, std::size_t item_bytes) noexcept {
  if (is_ready()) return record(next_heap.calloc(items, item_bytes));
  std::size_t bytes = 0;
  return __builtin_mul_overflow(items, item_bytes, &bytes) ? nullptr : boot_pool.allocate(bytes);
}

// glibc frees an object that is resized to nothing, and keeps one that cannot be resized.
HEAPWISE_EXPORT void* realloc(void* object, std::size_t size) noexcept {
  if (boot_pool.owns(object)) return record(heapwise::move_from_boot_pool(object, size));
  if (!is_ready()) return boot_pool.allocate(size);
  heapwise::forget(object);
  void* resized = next_heap.realloc(object, size);
  record(resized == nullptr && size != 0 ? object : resized);
  return resized;
}

// Past glibc's own, which would come back to realloc above.
HEAPWISE_EXPORT void* reallocarray(void* object, std::size_t items,
                                   std::size_t item_bytes) noexcept {
  std::size_t bytes = 0;
  if (!__builtin_mul_overflow(items, item_bytes, &bytes)) return realloc(object, bytes);
  errno = ENOMEM;
  return nullptr;
}

HEAPWISE_EXPORT void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return is_ready() ? record(next_heap.memalign(alignment, size))
                    : boot_pool.allocate(size, alignment);
}

HEAPWISE_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return is_ready() ? record(next_heap.aligned_alloc(alignment, size))
                    : boot_pool.allocate(size, alignment);
}

HEAPWISE_EXPORT int posix_memalign(void** object, std::size_t alignment,
                                   std::size_t size) noexcept {
  if (!is_ready()) {
    *object = boot_pool.allocate(size, alignment);
    return *object == nullptr ? ENOMEM : 0;
  }
  const int error = next_heap.posix_memalign(object, alignment, size);
  if (error == 0) record(*object);
  return error;
}

HEAPWISE_EXPORT void* valloc(std::size_t size) noexcept {
  return is_ready() ? record(next_heap.valloc(size)) : nullptr;
}

HEAPWISE_EXPORT void* pvalloc(std::size_t size) noexcept {
  return is_ready() ? record(next_heap.pvalloc(size)) : nullptr;
}

HEAPWISE_EXPORT std::size_t malloc_usable_size(void* object) noexcept {
  if (object == nullptr) return 0;
  if (boot_pool.owns(object) || !heapwise::next_heap_ready()) return 0;
  return next_heap.malloc_usable_size(object);
}
