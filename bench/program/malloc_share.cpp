#include "bench/program/malloc_share.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "bench/preload/malloc_ranges.h"
#include "bench/program/arena_heap.h"
#include "bench/program/memory_mappings.h"
#include "bench/run/file_descriptor.h"

namespace heapwise {
namespace {

using Mappings = std::vector<MemoryMapping>;
using Ranges = std::vector<AddressRange>;

constexpr char kMainHeapName[] = "[heap]";
constexpr std::size_t kPagesAtOnce = std::size_t{1} << 16;
constexpr std::uint64_t kPageIsPresent = std::uint64_t{1} << 63;

std::uint64_t page_bytes() {
  static const auto bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

/// Which pages of a process are in memory.
class PageMap {
 public:
  explicit PageMap(pid_t process)
      : file_(open(fmt::format("/proc/{}/pagemap", process).c_str(), O_RDONLY | O_CLOEXEC)) {}

  /// Of a range of whole pages; its length where that cannot be told.
  std::uint64_t resident_bytes(AddressRange range) {
    std::uint64_t bytes = 0;
    entries_.resize(kPagesAtOnce);
    for (auto first = range.begins / page_bytes(); first < range.ends() / page_bytes();) {
      const auto wanted = std::min(range.ends() / page_bytes() - first, kPagesAtOnce);
      const auto length = pread(file_.get(), entries_.data(), wanted * sizeof entries_[0],
                                static_cast<off_t>(first * sizeof entries_[0]));
      const auto count = length < 0 ? 0 : static_cast<std::size_t>(length) / sizeof entries_[0];
      if (count == 0) return range.length;
      const auto present =
          std::count_if(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(count),
                        [](std::uint64_t entry) { return (entry & kPageIsPresent) != 0; });
      bytes += static_cast<std::uint64_t>(present) * page_bytes();
      first += count;
    }
    return bytes;
  }

 private:
  FileDescriptor file_;
  std::vector<std::uint64_t> entries_;
};

std::string file_name_of(pid_t process) {
  return fmt::format("/{}{}", process, kMallocRangesSuffix);
}

/// The account of a process that keeps it mapped, and so is the one that wrote it: a number may be
/// used again, and a process may have become another program since.
bool read_account(pid_t process, const std::string& folder, const Mappings& mappings,
                  MallocRanges& account) {
  const auto name = file_name_of(process);
  const auto is_account = [&](const auto& mapping) { return mapping.name.ends_with(name); };
  if (std::none_of(mappings.begin(), mappings.end(), is_account)) return false;
  const FileDescriptor file(open((folder + name).c_str(), O_RDONLY | O_CLOEXEC));
  return pread(file.get(), &account, sizeof account, 0) == sizeof account &&
         account.magic == kMallocRangesMagic && account.version == kMallocRangesVersion &&
         account.pid == process && account.layout == MallocLayout::kGlibc;
}

/// glibc gives the address space of a heap back when all of it is free, and whatever lies there
/// next is not malloc's. What a heap begins with tells; where it may not be read, the account does.
bool is_arena_heap(pid_t process, AddressRange heap) {
  ArenaHeapHeader header;
  return read_arena_heap_header(process, heap.begins, heap.length, header) != HeaderReading::kOther;
}

/// In the order of addresses, what touches or overlaps made one.
Ranges joined(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const auto& a, const auto& b) { return a.begins < b.begins; });
  Ranges result;
  for (const auto& range : ranges) {
    if (result.empty() || result.back().ends() < range.begins) {
      result.push_back(range);
    } else {
      auto& last = result.back();
      last.length = std::max(last.ends(), range.ends()) - last.begins;
    }
  }
  return result;
}

/// The break, from which the main heap grows, may lie inside the program's own mapping.
Ranges ranges_of(pid_t process, const MallocRanges& account, const Mappings& mappings) {
  Ranges ranges;
  for (const auto& mapping : mappings) {
    if (mapping.name != kMainHeapName || mapping.ends <= account.main_heap_begins) continue;
    const auto begins = std::max(mapping.begins, account.main_heap_begins);
    ranges.push_back({begins, mapping.ends - begins});
  }
  for (const auto slot : account.mapped_objects) {
    if (slot != 0) ranges.push_back(unpack_range(slot));
  }
  for (const auto slot : account.arena_heaps) {
    if (slot != 0 && is_arena_heap(process, unpack_range(slot))) {
      ranges.push_back(unpack_range(slot));
    }
  }
  return joined(std::move(ranges));
}

bool can_be_of_malloc(const MemoryMapping& mapping) {
  const bool is_anonymous = mapping.name.empty() || mapping.name.starts_with("[anon");
  return mapping.memory.resident > 0 && (is_anonymous || mapping.name == kMainHeapName);
}

/// The part of a mapping's memory that lies in the ranges from `first` on. The kernel joins
/// neighbouring mappings, so that malloc's and the program's own may be one.
ResidentMemory memory_in(const MemoryMapping& mapping, Ranges::const_iterator first,
                         Ranges::const_iterator end, PageMap& pages) {
  std::uint64_t resident = 0;
  for (; first != end && first->begins < mapping.ends; ++first) {
    const auto begins = std::max(first->begins, mapping.begins);
    const auto ends = std::min(first->ends(), mapping.ends);
    if (begins == mapping.begins && ends == mapping.ends) return mapping.memory;
    resident += pages.resident_bytes({begins, ends - begins});
  }
  resident = std::min(resident, mapping.memory.resident);
  const auto part = static_cast<double>(resident) / static_cast<double>(mapping.memory.resident);
  const auto proportional = part * static_cast<double>(mapping.memory.proportional);
  return {resident, static_cast<std::uint64_t>(proportional)};
}

ResidentMemory malloc_memory(pid_t process, const Mappings& mappings, const Ranges& ranges) {
  ResidentMemory memory;
  PageMap pages(process);
  auto first = ranges.begin();
  for (const auto& mapping : mappings) {
    while (first != ranges.end() && first->ends() <= mapping.begins) ++first;
    if (can_be_of_malloc(mapping)) memory += memory_in(mapping, first, ranges.end(), pages);
  }
  return memory;
}

ResidentMemory all_memory(const Mappings& mappings) {
  ResidentMemory memory;
  for (const auto& mapping : mappings) {
    if (!mapping.name.ends_with(kMallocRangesSuffix)) memory += mapping.memory;
  }
  return memory;
}

std::uint64_t not_below_zero(std::int64_t value) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
}

}  // namespace

std::optional<MallocShare> read_malloc_share(const std::vector<pid_t>& processes,
                                             const std::string& share_folder) {
  const auto account = std::make_unique<MallocRanges>();
  ResidentMemory tree;
  ResidentMemory of_malloc;
  MallocShare share{};
  std::size_t seen = 0;
  std::size_t accounts = 0;
  for (const auto process : processes) {
    const auto mappings = read_memory_mappings(process);
    if (mappings.empty()) continue;
    ++seen;
    tree += all_memory(mappings);
    if (!read_account(process, share_folder, mappings, *account)) continue;
    ++accounts;
    of_malloc += malloc_memory(process, mappings, ranges_of(process, *account, mappings));
    share.live_bytes += not_below_zero(account->live_bytes);
    share.unrecorded_count += not_below_zero(account->unrecorded_count);
  }
  if (accounts == 0) return std::nullopt;
  share.tree_bytes = seen == 1 ? tree.resident : tree.proportional;
  share.malloc_bytes = seen == 1 ? of_malloc.resident : of_malloc.proportional;
  return share;
}

}  // namespace heapwise
