// libheapwise_null.so: the allocator that costs nothing, to measure what a workload itself costs.
//
// Inside the region (heapwise_region_begins .. heapwise_region_ends, all threads) malloc gives
// every object of a thread the same address, the start of that thread's buffer, and free does
// nothing: contents are lost, calloc does not clear. A workload that follows pointers stored in its
// objects cannot run on it. More than a buffer holds is refused with ENOMEM.
//
//   buffers:  | thread 0: 256 MiB | thread 1: 256 MiB | ...    reserved once, opened by each thread
//
// A thread that ends leaves its buffer, warm, to the next that begins. What the C library itself
// keeps of a thread is real memory in the region too: what it gets from calloc, when it calls that
// directly and not through another library that stands in front. It is not freed in the region.
//
// Outside the region it is a simple correct allocator behind one lock:
//
//   block:    | ... Header | object ... |     Header directly in front of the object, so that an
//             ^ block      ^ aligned          aligned object finds its block
//
// Blocks up to kLargestSmall come from free lists of size classes, larger ones from
// mmap(2) each. An object of the region stays valid memory for ever, so it may be freed after.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bit>
#include <cstdint>
#include <iterator>
#include <optional>

#include "bench/preload/c_library.h"
#include "bench/preload/interposition.h"

namespace heapwise {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} << 20;
constexpr std::size_t kLeastPopulatedBytes = std::size_t{64} << 20;
constexpr std::size_t kBuffersMost = 1024;  // threads beyond share buffers: their contents are lost
constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
constexpr std::size_t kLargestSmall = std::size_t{64} << 10;
constexpr std::size_t kClassesCount = 45;  // of SizeClass up to kLargestSmall
constexpr std::size_t kNaturalAlignment = 16;
constexpr std::size_t kLargestRequest = std::size_t{1} << 47;  // no address space holds more

std::byte* map(std::size_t bytes, int protection, int flags) {
  void* mapped = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return mapped == MAP_FAILED ? nullptr : static_cast<std::byte*>(mapped);
}

std::size_t round_up(std::size_t value, std::size_t granule) {
  return (value + granule - 1) & ~(granule - 1);
}

std::size_t page_bytes() {
  return getauxval(AT_PAGESZ);
}

// Outside the region---------

struct Header {
  std::byte* block;
  std::size_t block_bytes;
};
static_assert(sizeof(Header) == kNaturalAlignment);

struct FreeBlock {
  FreeBlock* next;
};

class SpinLock {
 public:
  void lock() {
    while (taken_.exchange(true, std::memory_order_acquire)) sched_yield();
  }
  void unlock() { taken_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> taken_{false};
};

// Block sizes: steps of 16 up to 128, then four steps to each power of two: 160, 192, 224, 256, ...
// Rounding a block's own size gives the same class again.
class SizeClass {
 public:
  explicit SizeClass(std::size_t bytes) {
    const int width = static_cast<int>(std::bit_width(bytes - 1));
    const int shift = width - 3 < kSmallestShift ? kSmallestShift : width - 3;
    const std::size_t steps = (bytes + (std::size_t{1} << shift) - 1) >> shift;
    bytes_ = steps << shift;
    index_ = static_cast<std::size_t>(shift - kSmallestShift) * 4 + steps;
  }
  std::size_t bytes() const { return bytes_; }
  std::size_t index() const { return index_; }

 private:
  static constexpr int kSmallestShift = 4;
  std::size_t bytes_;
  std::size_t index_;
};

class OrdinaryHeap {
 public:
  void* allocate(std::size_t size, std::size_t alignment) {
    if (size > kLargestRequest || alignment > kLargestRequest) return nullptr;
    const std::size_t slack = alignment > kNaturalAlignment ? alignment : 0;
    const std::size_t needed = size + sizeof(Header) + slack;
    const Header header = needed > kLargestSmall ? map_block(needed) : take_block(needed);
    if (header.block == nullptr) return nullptr;
    const auto lowest = reinterpret_cast<std::uintptr_t>(header.block) + sizeof(Header);
    auto* object = reinterpret_cast<std::byte*>(round_up(lowest, alignment));
    reinterpret_cast<Header*>(object)[-1] = header;
    return object;
  }

  void release(void* object) {
    const Header header = static_cast<Header*>(object)[-1];
    if (header.block_bytes > kLargestSmall) {
      munmap(header.block, header.block_bytes);
      return;
    }
    const SizeClass size_class(header.block_bytes);
    auto* block = reinterpret_cast<FreeBlock*>(header.block);
    lock_.lock();
    block->next = free_[size_class.index()];
    free_[size_class.index()] = block;
    lock_.unlock();
  }

  static std::size_t usable_bytes(const void* object) {
    const Header& header = static_cast<const Header*>(object)[-1];
    return header.block_bytes -
           static_cast<std::size_t>(static_cast<const std::byte*>(object) - header.block);
  }

  // A forked child must not inherit a lock held by a thread that it does not have.
  void lock_for_fork() { lock_.lock(); }
  void unlock_after_fork() { lock_.unlock(); }

 private:
  static Header map_block(std::size_t needed) {
    const std::size_t bytes = round_up(needed, page_bytes());
    return {map(bytes, PROT_READ | PROT_WRITE, 0), bytes};
  }

  Header take_block(std::size_t needed) {
    const SizeClass size_class(needed);
    lock_.lock();
    FreeBlock*& list = free_[size_class.index()];
    auto* block = reinterpret_cast<std::byte*>(list);
    if (list != nullptr) {
      list = list->next;
    } else {
      block = carve(size_class.bytes());
    }
    lock_.unlock();
    return {block, size_class.bytes()};
  }

  // From the current chunk; what is left of a chunk that is too short is given up.
  std::byte* carve(std::size_t bytes) {
    if (static_cast<std::size_t>(chunk_end_ - chunk_) < bytes) {
      chunk_ = map(kChunkBytes, PROT_READ | PROT_WRITE, 0);
      chunk_end_ = chunk_ == nullptr ? nullptr : chunk_ + kChunkBytes;
      if (chunk_ == nullptr) return nullptr;
    }
    std::byte* block = chunk_;
    chunk_ += bytes;
    return block;
  }

  SpinLock lock_;
  FreeBlock* free_[kClassesCount]{};
  std::byte* chunk_ = nullptr;
  std::byte* chunk_end_ = nullptr;
};

// Inside the region----------

struct Buffer {
  std::byte* begins = nullptr;
  std::size_t bytes = 0;
  bool is_shared = false;
};

// Read by every call, so on a cache line of its own.
struct alignas(64) RegionFlag {
  std::atomic<bool> is_set{false};
};

/// Touches the buffer's first bytes, or all where that are more than it has.
void populate(std::byte* begins, std::size_t bytes) {
  const std::size_t most = bytes < kBufferBytes ? round_up(bytes, page_bytes()) : kBufferBytes;
  syscall(SYS_madvise, begins, most, MADV_POPULATE_WRITE);
}

// The reserved range of all buffers.
class Buffers {
 public:
  /// One that another thread has left, or else a fresh one; an empty one when the system gives
  /// none.
  Buffer open_one() {
    if (!reserve()) return {};
    std::byte* all = begins_.load(std::memory_order_acquire);
    if (const auto left = take_left_one()) return {all + *left * kBufferBytes, kBufferBytes};
    const std::size_t opened = opened_.fetch_add(1, std::memory_order_relaxed);
    std::byte* begins = all + opened % count_ * kBufferBytes;
    if (mprotect(begins, kBufferBytes, PROT_READ | PROT_WRITE) != 0) return {};
    return {begins, kBufferBytes, opened >= count_};
  }

  /// The thread that alone had it ends.
  void leave(const void* buffer) {
    const auto offset =
        static_cast<const std::byte*>(buffer) - begins_.load(std::memory_order_relaxed);
    const std::size_t index = static_cast<std::size_t>(offset) / kBufferBytes;
    left_[index / kWordBits].fetch_or(std::uint64_t{1} << index % kWordBits,
                                      std::memory_order_release);
  }

  void populate_opened(std::size_t bytes) {
    std::byte* all = begins_.load(std::memory_order_acquire);
    const std::size_t opened = opened_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < opened && i < count_; ++i) populate(all + i * kBufferBytes, bytes);
  }

  bool owns(const void* object) const {
    const auto* address = static_cast<const std::byte*>(object);
    const std::byte* begins = begins_.load(std::memory_order_relaxed);
    return begins != nullptr && address >= begins && address < begins + count_ * kBufferBytes;
  }

 private:
  static constexpr std::size_t kWordBits = 64;

  // As many buffers as the address space allows, aligned to their size, so that an object in one
  // has whatever alignment was asked for. Done by the first thread of the process.
  bool reserve() {
    if (begins_.load(std::memory_order_acquire) != nullptr) return true;
    for (std::size_t count = kBuffersMost; count > 0; count /= 2) {
      std::byte* mapped = map((count + 1) * kBufferBytes, PROT_NONE, MAP_NORESERVE);
      if (mapped == nullptr) continue;
      count_ = count;
      begins_.store(reinterpret_cast<std::byte*>(
                        round_up(reinterpret_cast<std::uintptr_t>(mapped), kBufferBytes)),
                    std::memory_order_release);
      return true;
    }
    return false;
  }

  std::optional<std::size_t> take_left_one() {
    for (std::size_t word = 0; word < std::size(left_); ++word) {
      for (auto bits = left_[word].load(std::memory_order_relaxed); bits != 0;) {
        const auto rest = bits & (bits - 1);
        if (!left_[word].compare_exchange_weak(bits, rest, std::memory_order_acquire)) continue;
        return word * kWordBits + static_cast<std::size_t>(std::countr_zero(bits));
      }
    }
    return std::nullopt;
  }

  std::atomic<std::byte*> begins_{nullptr};
  std::size_t count_ = 0;
  std::atomic<std::size_t> opened_{0};
  std::atomic<std::uint64_t> left_[kBuffersMost / kWordBits]{};  // a bit for each buffer
};

OrdinaryHeap ordinary_heap;
Buffers buffers;
RegionFlag region_flag;
CLibrary c_library;
pthread_key_t buffer_key;  // its destructor tells when a thread ends
bool has_buffer_key = false;
thread_local Buffer buffer_of_thread;
thread_local std::size_t largest_before_region = 0;
std::atomic<std::size_t> largest_of_all{0};  // of what any thread asked for before the region

bool is_in_region() {
  return region_flag.is_set.load(std::memory_order_relaxed);
}

// The region must not show the first touch of the buffers that stand in for the heap: as much of
// each is populated as was asked for at once in the warm-up, and of this thread's no less than a
// large object takes. Where the kernel is older than this request (Linux 5.14), the first objects
// pay for it.
void populate_buffers() {
  const std::size_t largest = largest_of_all.load(std::memory_order_relaxed);
  buffers.populate_opened(largest);
  if (buffer_of_thread.bytes == 0) return;
  populate(buffer_of_thread.begins,
           largest < kLeastPopulatedBytes ? kLeastPopulatedBytes : largest);
}

void open_buffer_of_thread() {
  if (buffer_of_thread.bytes != 0) return;
  buffer_of_thread = buffers.open_one();
  if (!has_buffer_key || buffer_of_thread.is_shared) return;
  pthread_setspecific(buffer_key, buffer_of_thread.begins);
}

void leave_buffer_of_thread(void* begins) {
  buffer_of_thread = {};
  buffers.leave(begins);
}

// The rare ways out of the region's malloc: a thread's first call, or more than a buffer holds.
__attribute__((noinline, cold)) void* give_buffer_slowly(std::size_t size) {
  open_buffer_of_thread();
  if (size <= buffer_of_thread.bytes) return buffer_of_thread.begins;
  errno = ENOMEM;
  return nullptr;
}

inline void* give_buffer(std::size_t size) {
  if (size <= buffer_of_thread.bytes) [[likely]]
    return buffer_of_thread.begins;
  return give_buffer_slowly(size);
}

void note_largest(std::size_t size) {
  largest_before_region = size;
  std::size_t seen = largest_of_all.load(std::memory_order_relaxed);
  while (seen < size && !largest_of_all.compare_exchange_weak(seen, size)) {
  }
}

__attribute__((noinline)) void* allocate_ordinary(std::size_t size, std::size_t alignment) {
  open_buffer_of_thread();
  if (size > largest_before_region) note_largest(size);
  void* object = ordinary_heap.allocate(size, alignment);
  if (object == nullptr) errno = ENOMEM;
  return object;
}

inline void* allocate(std::size_t size, std::size_t alignment) {
  return is_in_region() ? give_buffer(size) : allocate_ordinary(size, alignment);
}

__attribute__((noinline)) void release_ordinary(void* object) {
  if (object == nullptr || buffers.owns(object)) return;
  const int saved_errno = errno;
  ordinary_heap.release(object);
  errno = saved_errno;
}

// What may be read from the object on: an object of the region was not told its size.
std::size_t readable_bytes(const void* object) {
  if (!buffers.owns(object)) return OrdinaryHeap::usable_bytes(object);
  return kBufferBytes - (reinterpret_cast<std::uintptr_t>(object) & (kBufferBytes - 1));
}

void* reallocate_ordinary(void* object, std::size_t size) {
  if (object == nullptr) return allocate_ordinary(size, kNaturalAlignment);
  if (size == 0) {
    release_ordinary(object);
    return nullptr;
  }
  const std::size_t readable = readable_bytes(object);
  if (size <= readable && size >= readable / 2 && !buffers.owns(object)) return object;
  void* moved = allocate_ordinary(size, kNaturalAlignment);
  if (moved == nullptr) return nullptr;
  memcpy(moved, object, size < readable ? size : readable);
  release_ordinary(object);
  return moved;
}

void* reallocate(void* object, std::size_t size) {
  return is_in_region() ? give_buffer(size) : reallocate_ordinary(object, size);
}

bool is_alignment(std::size_t alignment) {
  return std::has_single_bit(alignment);
}

void* allocate_aligned(std::size_t alignment, std::size_t size) {
  if (!is_alignment(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  return allocate(size, alignment < kNaturalAlignment ? kNaturalAlignment : alignment);
}

__attribute__((constructor)) void set_up() {
  c_library.find();
  has_buffer_key = pthread_key_create(&buffer_key, leave_buffer_of_thread) == 0;
  pthread_atfork([] { ordinary_heap.lock_for_fork(); }, [] { ordinary_heap.unlock_after_fork(); },
                 [] { ordinary_heap.unlock_after_fork(); });
}

}  // namespace
}  // namespace heapwise

HEAPWISE_EXPORT const char* heapwise_null_version() {
  return "1";
}

HEAPWISE_EXPORT void heapwise_region_begins() {
  heapwise::open_buffer_of_thread();
  heapwise::populate_buffers();
  heapwise::region_flag.is_set.store(true, std::memory_order_seq_cst);
}

HEAPWISE_EXPORT void heapwise_region_ends() {
  heapwise::region_flag.is_set.store(false, std::memory_order_seq_cst);
}

HEAPWISE_EXPORT void* malloc(std::size_t size) noexcept {
  return heapwise::allocate(size, heapwise::kNaturalAlignment);
}

HEAPWISE_EXPORT void free(void* object) noexcept {
  if (heapwise::is_in_region()) return;
  heapwise::release_ordinary(object);
}

HEAPWISE_EXPORT void* calloc(std::size_t items, std::size_t item_bytes) noexcept {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(items, item_bytes, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  if (heapwise::is_in_region() && !heapwise::c_library.contains(HEAPWISE_CALLER)) {
    return heapwise::give_buffer(bytes);
  }
  void* object = heapwise::allocate_ordinary(bytes, heapwise::kNaturalAlignment);
  return object == nullptr ? nullptr : memset(object, 0, bytes);
}

HEAPWISE_EXPORT void* realloc(void* object, std::size_t size) noexcept {
  return heapwise::reallocate(object, size);
}

HEAPWISE_EXPORT void* reallocarray(void* object, std::size_t items,
                                   std::size_t item_bytes) noexcept {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(items, item_bytes, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return heapwise::reallocate(object, bytes);
}

HEAPWISE_EXPORT void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return heapwise::allocate_aligned(alignment, size);
}

HEAPWISE_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return heapwise::allocate_aligned(alignment, size);
}

HEAPWISE_EXPORT int posix_memalign(void** object, std::size_t alignment,
                                   std::size_t size) noexcept {
  if (!heapwise::is_alignment(alignment) || alignment < sizeof(void*)) return EINVAL;
  const int saved_errno = errno;
  void* given = heapwise::allocate_aligned(alignment, size);
  errno = saved_errno;
  if (given == nullptr) return ENOMEM;
  *object = given;
  return 0;
}

HEAPWISE_EXPORT void* valloc(std::size_t size) noexcept {
  return heapwise::allocate_aligned(heapwise::page_bytes(), size);
}

HEAPWISE_EXPORT void* pvalloc(std::size_t size) noexcept {
  if (size > heapwise::kLargestRequest) {
    errno = ENOMEM;
    return nullptr;
  }
  const std::size_t page = heapwise::page_bytes();
  return heapwise::allocate_aligned(page, heapwise::round_up(size, page));
}

HEAPWISE_EXPORT std::size_t malloc_usable_size(void* object) noexcept {
  return object == nullptr ? 0 : heapwise::readable_bytes(object);
}
