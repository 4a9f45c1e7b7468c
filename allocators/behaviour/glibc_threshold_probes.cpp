// mmap_threshold, trim_threshold, top_pad, mmap_max: what goes to the system and comes back.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdlib>

#include "allocators/behaviour/glibc_heap.h"

namespace heapwise {
namespace {

using namespace glibc;

constexpr std::uint64_t kSmallestTrimmedTop = std::uint64_t{64}
                                              << 10;  // free looks at the top only from here on
constexpr std::uint64_t kUsualPiece = std::uint64_t{64} << 10;
constexpr std::uint64_t kUsualPieces = 8192;
constexpr char kFilled[] = "perturb would fill that much memory";

/// Whether mmap_max leaves room for one more mapped object.
bool may_map(const GlibcSettings& settings) {
  return !settings.mmap_max || mapped_objects() < *settings.mmap_max;
}

/// An object of this chunk size that the top cannot serve; small ones may still come from a cache
/// or a bin, so that several are asked for until one is mapped or all of them are not.
bool comes_mapped(std::uint64_t chunk, bool& allocated) {
  const int attempts = chunk < kAboveCaches ? 4096 : 1;
  for (int i = 0; i < attempts; ++i) {
    void* object = allocate_chunk(chunk);
    allocated = object != nullptr;
    if (!allocated) return false;
    if (is_mapped_alone(object)) return true;
  }
  return false;
}

std::uint64_t heap_end() {
  return reinterpret_cast<std::uint64_t>(sbrk(0));
}

struct HeapGrowth {
  std::uint64_t before, after;  // the heap's end
  std::uint64_t needed;         // bytes without any padding
};

/// Where the heap's end goes with this padding: pages are counted, huge pages are aligned to.
std::uint64_t expected_end(const HeapGrowth& growth, std::uint64_t pad, std::uint64_t step) {
  const bool huge = step != static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return huge ? round_up(growth.before + growth.needed + pad, step)
              : growth.before + round_up(growth.needed + pad, step);
}

void judge_growth(const GlibcSettings& settings, const HeapGrowth& growth, ProbeAnswer& answer) {
  const auto step = heap_step(settings);
  const auto pad = *settings.top_pad;
  const auto extra = growth.after - growth.before - growth.needed;
  if (growth.after != expected_end(growth, pad, step)) {
    return answer.contradict("the heap grew by %" PRIu64 " bytes more than needed", extra);
  }
  answer.see("the heap grows by %" PRIu64 " bytes more than needed, in steps of %" PRIu64, pad,
             step);
  if (pad != kDefaultTopPad && growth.after == expected_end(growth, kDefaultTopPad, step)) {
    return answer.hide("the default would grow it by as many steps");
  }
  answer.verdict = Verdict::kVerified;
}

bool system_can_map(std::uint64_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  munmap(memory, bytes);
  return true;
}

enum class Trial { kTrimmed, kKept, kMisaligned, kImpossible };

/// Brings the heap's free end to exactly `target` bytes and sees whether the heap's end moved down.
/// `shift` varies the layout: an object's boundary must fall where the end is to begin.
Trial try_trim(std::uint64_t piece, std::uint64_t target, std::uint64_t shift) {
  const auto table_bytes = (kMostObjects + 1) * sizeof(void*);
  auto** pieces = static_cast<void**>(mmap(nullptr, table_bytes, PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (pieces == MAP_FAILED) return Trial::kImpossible;
  if (shift != 0 && allocate_chunk(shift * 2 * kAboveCaches) == nullptr) return Trial::kImpossible;

  // Neighbouring objects, then a top below the target: together more than it.
  std::uint64_t count = 0;
  std::uint64_t allocations = 0;
  const auto is_short = [&] {
    const auto top = top_bytes();
    return count < 2 || top + kAboveCaches > target || (count - 1) * piece + top < target + piece;
  };
  while (is_short()) {
    auto* object = static_cast<char*>(allocate_chunk(piece));
    if (object == nullptr || is_mapped_alone(object) || ++allocations >= kMostObjects) {
      return Trial::kImpossible;
    }
    if (count != 0 && object != static_cast<char*>(pieces[count - 1]) + piece) count = 0;
    pieces[count++] = object;
  }
  // From the end downwards, as long as the end stays below the target.
  auto top = top_bytes();
  while (target - top > piece) {
    std::free(pieces[--count]);
    if (top_bytes() != top + piece) return Trial::kTrimmed;  // below the target already
    top += piece;
  }
  // Give back the rear part of the next object: the end becomes the target.
  const auto rest = target - top;
  if (rest < kAboveCaches || piece - rest < kAboveCaches) return Trial::kMisaligned;
  void* last = pieces[count - 1];
  const auto end_before = heap_end();
  if (std::realloc(last, piece - rest - kHeader) != last) return Trial::kImpossible;
  return heap_end() < end_before ? Trial::kTrimmed : Trial::kKept;
}

Trial try_trim_in_forks(std::uint64_t piece, std::uint64_t target) {
  Trial trial = Trial::kMisaligned;
  for (std::uint64_t shift = 0; shift < 4 && trial == Trial::kMisaligned; ++shift) {
    const auto answer = probe_in_fork([&](ProbeAnswer& inner) {
      inner.read_back[0] = static_cast<char>(try_trim(piece, target, shift));
      inner.verdict = Verdict::kVerified;
    });
    trial = answer.verdict == Verdict::kVerified ? static_cast<Trial>(answer.read_back[0])
                                                 : Trial::kImpossible;
  }
  return trial;
}

}  // namespace

void probe_mmap_threshold(const GlibcSettings& settings, ProbeAnswer& answer) {
  const auto threshold = *settings.mmap_threshold;
  if (!may_map(settings)) return answer.hide("mmap_max leaves no object to map");
  const auto heap_chunk = largest_heap_chunk(settings);
  const auto mapped_chunk = std::max(round_up(threshold, kAlignment), kSmallestChunk);
  if (!is_affordable(settings, heap_chunk + mapped_chunk)) return answer.hide("%s", kFilled);

  if (heap_chunk >= kSmallestChunk) {
    const auto growth = heap_chunk + settings.top_pad.value_or(kDefaultTopPad);
    if (heap_is_brk(settings) && !brk_can_grow(growth)) {
      return answer.hide("an object below the threshold does not fit the heap");
    }
    if (!drain_top(heap_chunk, heap_chunk))
      return answer.hide("the heap's end is too large to use up");
    void* object = allocate_chunk(heap_chunk);
    if (object == nullptr) return answer.hide("there is no memory for an object of that size");
    if (is_mapped_alone(object)) {
      return answer.contradict("%" PRIu64 " bytes are mapped already", heap_chunk - kHeader);
    }
  }
  if (!drain_top(mapped_chunk, std::max(heap_chunk, kSmallestChunk))) {
    return answer.hide("the heap's end is too large to use up");
  }
  bool allocated = false;
  const bool mapped = comes_mapped(mapped_chunk, allocated);
  if (!allocated) return answer.hide("there is no memory for an object of that size");
  if (!mapped) {
    return answer.contradict("%" PRIu64 " bytes are not mapped", mapped_chunk - kHeader);
  }
  answer.verify("mapped from %" PRIu64 " bytes on", mapped_chunk - kHeader);
}

void probe_trim_threshold(const GlibcSettings& settings, ProbeAnswer& answer) {
  if (!heap_is_brk(settings)) return answer.hide("hugetlb keeps the heap away from brk");
  if (settings.tcache_max.value_or(0) > kLargestCachedRequest) {
    return answer.hide("tcache_max may keep back what the probe frees");
  }
  const auto pad = settings.top_pad.value_or(kDefaultTopPad);
  const auto step = heap_step(settings);

  // Whole steps above top_pad are returned, and one byte must be left over: below this the
  // threshold makes no difference.
  const auto least =
      std::max(round_up(pad + step + kSmallestChunk + 1, kAlignment), kSmallestTrimmedTop);
  const auto wanted = round_up(*settings.trim_threshold, kAlignment);
  const auto target = std::max(wanted, least);
  const auto piece = std::min(largest_heap_chunk(settings),
                              std::max(kUsualPiece, round_up(target / kUsualPieces, kAlignment)));
  if (!is_affordable(settings, target)) return answer.hide("%s", kFilled);
  if (piece < 4 * kAboveCaches) return answer.hide("mmap_threshold leaves no object on the heap");
  if (target / piece + 2 >= kMostObjects || !brk_can_grow(target + 2 * piece + pad)) {
    return answer.hide("that much heap cannot be had here");
  }
  const auto below = try_trim_in_forks(piece, target - kAlignment);
  const auto at = try_trim_in_forks(piece, target);
  if (below == Trial::kImpossible || at == Trial::kImpossible || below == Trial::kMisaligned ||
      at == Trial::kMisaligned) {
    return answer.hide("the heap's end cannot be brought to that size");
  }
  if (below == Trial::kTrimmed) {
    return answer.contradict("trimmed below %" PRIu64 " free bytes at the end", target);
  }
  if (at == Trial::kKept) {
    return answer.contradict("not trimmed at %" PRIu64 " free bytes at the end", target);
  }
  if (wanted < least) {
    answer.see("trimmed at %" PRIu64 " bytes", target);
    return answer.hide("top_pad hides every value below %" PRIu64, least);
  }
  answer.verify("trimmed at %" PRIu64 " bytes, not at %" PRIu64, target, target - kAlignment);
}

void probe_top_pad(const GlibcSettings& settings, ProbeAnswer& answer) {
  if (!heap_is_brk(settings)) return answer.hide("hugetlb keeps the heap away from brk");
  constexpr std::uint64_t kChunk = std::uint64_t{64} << 10;
  const auto pad = *settings.top_pad;
  const auto chunk = std::min(largest_heap_chunk(settings), kChunk);
  if (chunk < kSmallestChunk) return answer.hide("mmap_threshold leaves no object on the heap");
  if (!is_affordable(settings, pad)) return answer.hide("%s", kFilled);
  if (!brk_can_grow(pad + chunk)) return answer.hide("that much heap cannot be had here");
  for (std::uint64_t i = 0; i < kMostObjects; ++i) {
    const auto top = top_bytes();
    const auto end_before = heap_end();
    if (allocate_chunk(chunk) == nullptr) break;
    if (heap_end() == end_before) continue;
    return judge_growth(
        settings,
        {.before = end_before, .after = heap_end(), .needed = chunk + kSmallestChunk - top},
        answer);
  }
  answer.hide("the heap did not grow");
}

void probe_mmap_max(const GlibcSettings& settings, ProbeAnswer& answer) {
  const auto most = *settings.mmap_max;
  if (most > kMostObjects) return answer.hide("that many objects would fill the machine");
  const auto least = std::max(round_up(mmap_threshold(settings), kAlignment), kAboveCaches);
  if (!is_affordable(settings, most * least)) return answer.hide("%s", kFilled);
  auto chunk = least;
  while (mapped_objects() <= most) {
    chunk = std::max(least, round_up(top_bytes() + kSmallestChunk, kAlignment));
    void* object = allocate_chunk(chunk);
    if (object == nullptr) return answer.hide("there is no memory for an object to map");
    if (!is_mapped_alone(object)) break;
  }
  const auto mapped = mapped_objects();
  if (mapped == most) return answer.verify("%" PRIu64 " objects are mapped, no more", mapped);
  if (mapped < most && !system_can_map(chunk)) {
    answer.see("%" PRIu64 " objects are mapped", mapped);
    return answer.hide("the system has no more mappings");
  }
  answer.contradict("%" PRIu64 " objects are mapped", mapped);
}

}  // namespace heapwise
