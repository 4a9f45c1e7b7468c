#include "bench/core/harness_arena.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace heapwise {
namespace {

constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
constexpr std::size_t kMappedDirectly = std::size_t{256} << 10;
constexpr unsigned kSmallestClass = 5;  // blocks of 32 bytes, header included

// Lies directly before every payload.
struct BlockHeader {
  std::uint64_t size_class;  // log2 of the block's size; from kMappedDirectly on, a mapping's size
  void* start;               // of the block or of the mapping
};
static_assert(sizeof(BlockHeader) == kHeaderBytes);

struct FreeBlock {
  FreeBlock* next;
};

class SpinLock {
 public:
  void lock() noexcept {
    while (flag_.test_and_set(std::memory_order_acquire)) {
      while (flag_.test(std::memory_order_relaxed)) {
      }
    }
  }
  void unlock() noexcept { flag_.clear(std::memory_order_release); }

 private:
  std::atomic_flag flag_;
};

struct Arena {
  SpinLock lock;
  std::array<FreeBlock*, 64> free_blocks{};
  char* chunk_cursor = nullptr;
  char* chunk_end = nullptr;
  std::atomic<std::uint64_t> mapped{0};
};

constinit Arena arena;

void* map_pages(std::size_t size) noexcept {
  const long address =
      syscall(SYS_mmap, nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
  if (address == -1) return nullptr;
  arena.mapped.fetch_add(size, std::memory_order_relaxed);
  return reinterpret_cast<void*>(address);
}

void unmap_pages(void* start, std::size_t size) noexcept {
  if (syscall(SYS_munmap, start, size) == 0)
    arena.mapped.fetch_sub(size, std::memory_order_relaxed);
}

BlockHeader* header_of(void* payload) noexcept {
  return reinterpret_cast<BlockHeader*>(static_cast<char*>(payload) - kHeaderBytes);
}

void* finish(char* start, std::size_t alignment, std::uint64_t size_class) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(start) + kHeaderBytes;
  const auto aligned = (address + alignment - 1) & ~(alignment - 1);
  auto* payload = reinterpret_cast<void*>(aligned);
  *header_of(payload) = {size_class, start};
  return payload;
}

void* allocate_directly(std::size_t bytes, std::size_t alignment) noexcept {
  constexpr std::size_t kPage = 4096;
  const std::size_t rounded = (bytes + kPage - 1) & ~(kPage - 1);
  auto* start = static_cast<char*>(map_pages(rounded));
  return start == nullptr ? nullptr : finish(start, alignment, rounded);
}

char* take_block(unsigned size_class) noexcept {
  if (FreeBlock* block = arena.free_blocks[size_class]) {
    arena.free_blocks[size_class] = block->next;
    return reinterpret_cast<char*>(block);
  }
  const std::size_t block_bytes = std::size_t{1} << size_class;
  if (static_cast<std::size_t>(arena.chunk_end - arena.chunk_cursor) < block_bytes) {
    arena.chunk_cursor = static_cast<char*>(map_pages(kChunkBytes));
    arena.chunk_end = arena.chunk_cursor == nullptr ? nullptr : arena.chunk_cursor + kChunkBytes;
    if (arena.chunk_cursor == nullptr) return nullptr;
  }
  char* block = arena.chunk_cursor;
  arena.chunk_cursor += block_bytes;
  return block;
}

}  // namespace

void* harness_allocate(std::size_t size, std::size_t alignment) noexcept {
  alignment = std::max<std::size_t>(alignment, kHeaderBytes);
  const std::size_t bytes = size + kHeaderBytes + (alignment - kHeaderBytes);
  if (bytes < size) return nullptr;
  if (bytes >= kMappedDirectly) return allocate_directly(bytes, alignment);
  const auto size_class =
      std::max(kSmallestClass, static_cast<unsigned>(std::bit_width(bytes - 1)));
  arena.lock.lock();
  char* block = take_block(size_class);
  arena.lock.unlock();
  return block == nullptr ? nullptr : finish(block, alignment, size_class);
}

void harness_release(void* block) noexcept {
  if (block == nullptr) return;
  const BlockHeader header = *header_of(block);
  if (header.size_class >= kMappedDirectly) return unmap_pages(header.start, header.size_class);
  auto* free_block = static_cast<FreeBlock*>(header.start);
  arena.lock.lock();
  free_block->next = arena.free_blocks[header.size_class];
  arena.free_blocks[header.size_class] = free_block;
  arena.lock.unlock();
}

Bytes harness_mapped_bytes() noexcept {
  return {arena.mapped.load(std::memory_order_relaxed)};
}

}  // namespace heapwise
