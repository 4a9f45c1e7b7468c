#include "allocators/reference/slab.h"

#include <cstdlib>
#include <new>

#include "allocators/reference/message.h"

namespace refmalloc {

std::size_t Slab::record_bytes(std::size_t size_class) noexcept {
  return sizeof(Slab) + 2 * words_of(size_class) * sizeof(std::uint64_t);
}

std::atomic<std::uint64_t>* Slab::remote_bits() const noexcept {
  return reinterpret_cast<std::atomic<std::uint64_t>*>(free_bits() + words());
}

Slab::Slab(std::size_t size_class, std::uint8_t arena) noexcept
    : size_class_(static_cast<std::uint8_t>(size_class)), arena_(arena) {
  for (std::size_t word = 0; word < words(); ++word) {
    new (&remote_bits()[word]) std::atomic<std::uint64_t>(0);
  }
}

// Neither the remote bits nor remote_queued are reset: the first are all clear when a slab retires,
// and the second may still be needed by a thread that is late.
void Slab::open(Run& run) noexcept {
  run_ = &run;
  start_ = run.start;
  free_objects_ = shape().objects;
  first_word_ = 0;
  std::size_t left = free_objects_;
  for (std::size_t word = 0; word < words(); ++word) {
    free_bits()[word] = left >= kWordBits ? ~std::uint64_t{0} : (std::uint64_t{1} << left) - 1;
    left -= left >= kWordBits ? kWordBits : left;
  }
}

std::size_t Slab::take(void** objects, std::size_t wanted) noexcept {
  std::size_t taken = 0;
  std::size_t word = first_word_;
  for (; taken < wanted && word < words(); ++word) {
    std::uint64_t bits = free_bits()[word];
    while (bits != 0 && taken < wanted) {
      const auto bit = static_cast<std::size_t>(__builtin_ctzll(bits));
      objects[taken++] = start_ + (word * kWordBits + bit) * shape().bytes;
      bits &= bits - 1;
    }
    free_bits()[word] = bits;
    if (bits != 0) break;
  }
  first_word_ = static_cast<std::uint16_t>(word);
  free_objects_ = static_cast<std::uint16_t>(free_objects_ - taken);
  return taken;
}

bool Slab::begins_object(const void* pointer) const noexcept {
  return find(pointer) != kNoObject;
}

const char* Slab::object_around(const void* pointer) const noexcept {
  const auto offset = static_cast<std::size_t>(static_cast<const char*>(pointer) - start_);
  if (offset >= shape().objects * shape().bytes) return nullptr;
  return start_ + object_at(size_class_, offset) * shape().bytes;
}

bool Slab::is_taken(const void* object) const noexcept {
  const std::size_t index = index_of(object);
  return (free_bits()[index / kWordBits] >> (index % kWordBits) & 1) == 0;
}

void Slab::abort_over_no_object(const void* pointer) const noexcept {
  const char* const object = object_around(pointer);
  if (object == nullptr) abort_over("free of a pointer that was never allocated", pointer);
  Message().text("free").inside_object(pointer, object, shape().bytes).write();
  std::abort();
}

void Slab::abort_over_double_free(std::size_t word, std::uint64_t objects) const noexcept {
  const auto bit = static_cast<std::size_t>(__builtin_ctzll(objects));
  abort_over("double free", start_ + (word * kWordBits + bit) * shape().bytes);
}

void Slab::expect_nothing_delivered() const noexcept {
  for (std::size_t word = 0; word < words(); ++word) {
    const std::uint64_t delivered = remote_bits()[word].load(std::memory_order_relaxed);
    if (delivered != 0) [[unlikely]]
      abort_over_double_free(word, delivered);
  }
}

// The three sequentially consistent steps here and the two in `deliver` make sure that either the
// deliverer sees the flag down and queues the slab again, or its bits are seen here.
std::size_t Slab::absorb_remote() noexcept {
  remote_queued.exchange(false, std::memory_order_seq_cst);
  std::size_t absorbed = 0;
  for (std::size_t word = 0; word < words(); ++word) {
    if (remote_bits()[word].load(std::memory_order_seq_cst) == 0) continue;
    const std::uint64_t bits = remote_bits()[word].exchange(0, std::memory_order_seq_cst);
    const std::uint64_t twice = free_bits()[word] & bits;
    if (twice != 0) [[unlikely]]
      abort_over_double_free(word, twice);
    free_bits()[word] |= bits;
    absorbed += static_cast<std::size_t>(__builtin_popcountll(bits));
    if (word < first_word_) first_word_ = static_cast<std::uint16_t>(word);
  }
  free_objects_ = static_cast<std::uint16_t>(free_objects_ + absorbed);
  return absorbed;
}

bool Slab::deliver(std::size_t word, std::uint64_t objects) noexcept {
  const std::uint64_t before = remote_bits()[word].fetch_or(objects, std::memory_order_seq_cst);
  const std::uint64_t twice = before & objects;
  if (twice != 0) [[unlikely]]
    abort_over_double_free(word, twice);
  if (remote_queued.load(std::memory_order_seq_cst)) return false;
  return !remote_queued.exchange(true, std::memory_order_seq_cst);
}

bool Slab::is_valid() const noexcept {
  std::size_t free = 0;
  for (std::size_t word = 0; word < words(); ++word) {
    const std::uint64_t bits = free_bits()[word];
    if ((bits & remote_bits()[word].load(std::memory_order_relaxed)) != 0) return false;
    if (bits != 0 && word < first_word_) return false;
    free += static_cast<std::size_t>(__builtin_popcountll(bits));
  }
  return free == free_objects_ && free <= shape().objects;
}

}  // namespace refmalloc
