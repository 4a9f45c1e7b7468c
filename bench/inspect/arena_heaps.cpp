#include "bench/inspect/arena_heaps.h"

#include <algorithm>
#include <optional>

namespace heapwise {
namespace {

using Mappings = std::vector<MemoryMapping>;
using Place = Mappings::const_iterator;

bool is_open(const MemoryMapping& mapping) {
  return mapping.permissions.starts_with("rw");
}

/// The heap that would begin at an address, which lies in the mapping at `place`: first what is
/// open, then address space, without gaps up to the full size.
std::optional<ArenaHeap> shape_at(std::uint64_t begins, Place place, Place end) {
  ArenaHeap heap{.begins = begins};
  auto reached = begins;
  bool is_rest = false;
  for (; reached < heap.ends(); ++place) {
    if (place == end || place->begins > reached || !is_private_anonymous(*place)) return {};
    const auto piece_ends = std::min(place->ends, heap.ends());
    if (is_open(*place)) {
      if (is_rest) return {};
      heap.opened += Bytes{piece_ends - reached};
    } else if (is_inaccessible(*place)) {
      is_rest = true;
    } else {
      return {};
    }
    reached = piece_ends;
  }
  return heap.opened.value == 0 ? std::nullopt : std::optional(heap);
}

/// What is open to its end looks like any large mapping, unless the mapping ends there too.
bool is_plain_enough(const ArenaHeap& heap, Place place) {
  return heap.opened < kArenaHeapBytes || place->ends == heap.ends();
}

class Search {
 public:
  Search(const Mappings& mappings, const HeaderReader& read_header, bool by_shape)
      : mappings_(mappings), read_header_(read_header), by_shape_(by_shape) {}

  std::vector<ArenaHeap> run() {
    for (auto place = mappings_.begin(); place != mappings_.end(); ++place) {
      if (place->begins % kArenaHeapBytes.value == 0) follow(place->begins, place);
    }
    return std::move(heaps_);
  }

 private:
  /// Heaps that are open to their end lie in one mapping with those that follow at once.
  void follow(std::uint64_t begins, Place place) {
    while (begins < place->ends && take(begins, place)) begins += kArenaHeapBytes.value;
  }

  bool take(std::uint64_t begins, Place place) {
    auto heap = shape_at(begins, place, mappings_.end());
    if (!heap) return false;
    ArenaHeapHeader header;
    const auto reading = read_header_ ? read_header_(begins, header) : HeaderReading::kForbidden;
    if (reading == HeaderReading::kOther) return false;
    if (reading == HeaderReading::kForbidden && !(by_shape_ && is_plain_enough(*heap, place))) {
      return false;
    }
    heap->arena = header.arena;
    heaps_.push_back(*heap);
    return true;
  }

  const Mappings& mappings_;
  const HeaderReader& read_header_;
  bool by_shape_;
  std::vector<ArenaHeap> heaps_;
};

}  // namespace

bool is_private_anonymous(const MemoryMapping& mapping) {
  const bool has_no_file = mapping.name.empty() || mapping.name.starts_with("[anon:");
  return has_no_file && mapping.permissions.ends_with('p');
}

bool is_inaccessible(const MemoryMapping& mapping) {
  return mapping.permissions.starts_with("---");
}

std::vector<ArenaHeap> find_arena_heaps(const Mappings& mappings, const HeaderReader& read_header,
                                        bool by_shape) {
  return Search(mappings, read_header, by_shape).run();
}

}  // namespace heapwise
