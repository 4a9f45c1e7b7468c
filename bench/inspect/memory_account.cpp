#include "bench/inspect/memory_account.h"

#include <algorithm>
#include <set>

#include "bench/inspect/keyed_text.h"

namespace heapwise {
namespace {

using Mappings = std::vector<MemoryMapping>;

/// Guards are one page, or what a runtime adds to it (Java: 20 KiB); a heap's unused rest is
/// larger.
constexpr Bytes kLargestGuard{256 * kKiB.value};

/// Zeroed globals of libraries are small; a large mapping right behind a library fills a gap
/// between libraries and is somebody's memory.
constexpr Bytes kLargestLibraryGlobals{64 * kMiB.value};

Bytes length_of(const MemoryMapping& mapping) {
  return {mapping.ends - mapping.begins};
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings) {
  return std::ranges::any_of(beginnings, [&](auto each) { return text.starts_with(each); });
}

bool is_shared(const MemoryMapping& mapping) {
  return mapping.permissions.ends_with('s');
}

bool is_shared_memory(const MemoryMapping& mapping) {
  if (mapping.name.empty() || mapping.name.starts_with("/anon_hugepage")) return is_shared(mapping);
  return starts_with_any(mapping.name,
                         {"/dev/shm/", "/memfd:", "/SYSV", "/dev/zero", "[anon_shmem:"});
}

/// Decides mapping by mapping; stacks come last, because the threads are counted.
class Classification {
 public:
  Classification(const Mappings& mappings, const std::vector<ArenaHeap>& heaps,
                 const MappingHints& hints)
      : mappings_(mappings), heaps_(heaps), hints_(hints) {
    for (const auto& mapping : mappings) {
      if (mapping.permissions.find('x') != std::string::npos) code_files_.insert(mapping.name);
    }
  }

  std::vector<MappingKind> run() {
    for (std::size_t at = 0; at < mappings_.size(); ++at) kinds_.push_back(kind_of(at));
    mark_stacks();
    return std::move(kinds_);
  }

 private:
  MappingKind kind_of(std::size_t at) const {
    const auto& mapping = mappings_[at];
    if (lies_in_arena(mapping)) return MappingKind::kArenas;
    if (mapping.name == "[heap]") return MappingKind::kHeap;
    if (starts_with_any(mapping.name, {"[stack", "[anon: glibc: pthread stack"})) {
      return MappingKind::kStacks;
    }
    if (is_shared_memory(mapping)) return MappingKind::kSharedMemory;
    if (is_private_anonymous(mapping)) return kind_of_anonymous(at);
    if (mapping.name.starts_with("/anon_hugepage")) return MappingKind::kAnonymous;
    if (starts_with_any(mapping.name, {"[", "anon_inode:"})) return MappingKind::kKernel;
    return kind_of_file(mapping);
  }

  bool lies_in_arena(const MemoryMapping& mapping) const {
    const auto after = std::ranges::upper_bound(heaps_, mapping.begins, {}, &ArenaHeap::begins);
    return after != heaps_.begin() && mapping.begins < std::prev(after)->ends();
  }

  MappingKind kind_of_file(const MemoryMapping& mapping) const {
    if (mapping.name == hints_.executable) return MappingKind::kProgram;
    return code_files_.contains(mapping.name) ? MappingKind::kLibraries : MappingKind::kFiles;
  }

  MappingKind kind_of_anonymous(std::size_t at) const {
    if (is_inaccessible(mappings_[at])) return MappingKind::kReserved;
    return holds_globals(at) ? kinds_[at - 1] : MappingKind::kAnonymous;
  }

  /// Globals without a value in the file lie right behind those that have one.
  bool holds_globals(std::size_t at) const {
    if (at == 0 || mappings_[at - 1].ends != mappings_[at].begins) return false;
    if (mappings_[at - 1].name.empty()) return false;
    if (kinds_[at - 1] == MappingKind::kProgram) return true;
    return kinds_[at - 1] == MappingKind::kLibraries &&
           length_of(mappings_[at]) <= kLargestLibraryGlobals;
  }

  bool has_shape_of_stack(std::size_t at) const {
    return at > 0 && kinds_[at] == MappingKind::kAnonymous &&
           kinds_[at - 1] == MappingKind::kReserved &&
           mappings_[at - 1].ends == mappings_[at].begins &&
           length_of(mappings_[at - 1]) <= kLargestGuard;
  }

  bool has_default_size(std::size_t at) const {
    const auto stack = length_of(mappings_[at]);
    const auto whole = stack + length_of(mappings_[at - 1]);
    return stack == hints_.thread_stack || whole == hints_.thread_stack;
  }

  void mark_stack(std::size_t at) {
    kinds_[at] = MappingKind::kStacks;
    kinds_[at - 1] = MappingKind::kStacks;
    ++stacks_count_;
  }

  /// All of the default size, those of ended threads that are kept for the next ones included; then
  /// as many of other sizes as there are threads without one. The first threads' lie highest.
  void mark_stacks() {
    for (std::size_t at = 0; at < kinds_.size(); ++at) {
      if (has_shape_of_stack(at) && has_default_size(at)) mark_stack(at);
    }
    for (std::size_t at = kinds_.size(); at-- > 0;) {
      if (stacks_count_ + 1 >= hints_.threads_count) return;
      if (has_shape_of_stack(at)) mark_stack(at);
    }
  }

  const Mappings& mappings_;
  const std::vector<ArenaHeap>& heaps_;
  const MappingHints& hints_;
  std::set<std::string> code_files_;
  std::vector<MappingKind> kinds_;
  std::uint64_t stacks_count_ = 0;
};

ArenaUse use_of(const std::vector<ArenaHeap>& heaps) {
  ArenaUse use{.heaps_count = heaps.size()};
  std::set<std::uint64_t> arenas;
  for (const auto& heap : heaps) {
    use.opened += heap.opened;
    arenas.insert(heap.arena);
  }
  if (!arenas.contains(0)) use.arenas_count = arenas.size();
  return use;
}

}  // namespace

std::string_view key_of(MappingKind kind) {
  switch (kind) {
    case MappingKind::kProgram:
      return "program";
    case MappingKind::kHeap:
      return "heap";
    case MappingKind::kArenas:
      return "arenas";
    case MappingKind::kAnonymous:
      return "anonymous";
    case MappingKind::kStacks:
      return "stacks";
    case MappingKind::kLibraries:
      return "libraries";
    case MappingKind::kFiles:
      return "files";
    case MappingKind::kSharedMemory:
      return "shared_memory";
    case MappingKind::kReserved:
      return "reserved";
    case MappingKind::kKernel:
      return "kernel";
  }
  return "";
}

MemoryUse& MemoryUse::operator+=(const MemoryUse& other) {
  mappings_count += other.mappings_count;
  vsz += other.vsz;
  rss += other.rss;
  pss += other.pss;
  swap += other.swap;
  transparent_huge += other.transparent_huge;
  hugetlb += other.hugetlb;
  return *this;
}

MemoryUse& MemoryUse::operator+=(const MemoryMapping& mapping) {
  return *this += MemoryUse{.mappings_count = 1,
                            .vsz = length_of(mapping),
                            .rss = {mapping.memory.resident},
                            .pss = {mapping.memory.proportional},
                            .swap = {mapping.swapped_bytes},
                            .transparent_huge = {mapping.transparent_huge_bytes},
                            .hugetlb = {mapping.hugetlb_bytes}};
}

MemoryUse MemoryAccount::total() const {
  MemoryUse all;
  for (const auto& use : kinds) all += use;
  return all;
}

std::vector<MappingKind> kinds_of(const Mappings& mappings, const std::vector<ArenaHeap>& heaps,
                                  const MappingHints& hints) {
  return Classification(mappings, heaps, hints).run();
}

MemoryAccount account_for(const Mappings& mappings, const MappingHints& hints) {
  MemoryAccount account;
  const auto heaps = find_arena_heaps(mappings, hints.read_header, hints.arenas_by_shape);
  const auto kinds = kinds_of(mappings, heaps, hints);
  for (std::size_t at = 0; at < mappings.size(); ++at) {
    if (mappings[at].name != "[vsyscall]") account.of(kinds[at]) += mappings[at];
  }
  account.arenas = use_of(heaps);
  return account;
}

Bytes default_thread_stack(std::string_view limits) {
  constexpr std::string_view kKey = "Max stack size";
  constexpr Bytes kWithoutLimit{2 * kMiB.value};  // ARCH_STACK_DEFAULT_SIZE of glibc
  const auto at = limits.find(kKey);
  if (at == std::string_view::npos) return kWithoutLimit;
  const auto rest = limits.substr(at + kKey.size());
  const auto number =
      leading_number(rest.substr(std::min(rest.find_first_not_of(' '), rest.size())));
  return number ? Bytes{*number} : kWithoutLimit;
}

}  // namespace heapwise
