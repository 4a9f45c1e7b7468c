#include "allocators/elf_library.h"

#include <elf.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "allocators/mapped_file.h"

namespace heapwise {
namespace {

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#else
#error "heapwise knows the libraries of x86-64 and aarch64 only"
#endif

/// The parts of the dynamic section that lead to the symbols; addresses as in memory.
struct DynamicSection {
  std::uint64_t symbols = 0;
  std::uint64_t strings = 0;
  std::uint64_t hash = 0;
  std::uint64_t gnu_hash = 0;
  bool is_executable = false;
};

class ElfReader {
 public:
  explicit ElfReader(const MappedFile& file) : file_(file) {
    const auto header = file.read<Elf64_Ehdr>(0);
    if (!header || header->e_phentsize != sizeof(Elf64_Phdr)) return;
    for (std::uint64_t i = 0; i < header->e_phnum; ++i) {
      const auto segment = file.read<Elf64_Phdr>(header->e_phoff + i * sizeof(Elf64_Phdr));
      if (segment) segments_.push_back(*segment);
    }
  }

  DynamicSection dynamic_section() const {
    DynamicSection section;
    for (const auto& segment : segments_) {
      if (segment.p_type != PT_DYNAMIC) continue;
      for (std::uint64_t at = 0; at + sizeof(Elf64_Dyn) <= segment.p_filesz;
           at += sizeof(Elf64_Dyn)) {
        const auto entry = file_.read<Elf64_Dyn>(segment.p_offset + at);
        if (!entry || entry->d_tag == DT_NULL) break;
        take(*entry, section);
      }
    }
    return section;
  }

  bool defines(std::string_view name) const {
    const auto section = dynamic_section();
    const auto symbols = file_offset(section.symbols);
    const auto strings = file_offset(section.strings);
    if (!symbols || !strings) return false;
    const auto count = symbols_count(section);
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto symbol = file_.read<Elf64_Sym>(*symbols + i * sizeof(Elf64_Sym));
      if (!symbol) return false;
      const auto type = ELF64_ST_TYPE(symbol->st_info);
      if (symbol->st_shndx == SHN_UNDEF || (type != STT_FUNC && type != STT_GNU_IFUNC)) continue;
      if (file_.text(*strings + symbol->st_name, name.size() + 1) == name) return true;
    }
    return false;
  }

  std::string build_id() const {
    for (const auto& segment : segments_) {
      if (segment.p_type != PT_NOTE) continue;
      const std::uint64_t alignment = segment.p_align == 8 ? 8 : 4;
      const auto padded = [alignment](std::uint64_t n) {
        return (n + alignment - 1) & ~(alignment - 1);
      };
      std::uint64_t at = segment.p_offset;
      while (at + sizeof(Elf64_Nhdr) <= segment.p_offset + segment.p_filesz) {
        const auto note = file_.read<Elf64_Nhdr>(at);
        if (!note) return {};
        const auto name = at + sizeof(Elf64_Nhdr);
        const auto content = at + padded(sizeof(Elf64_Nhdr) + note->n_namesz);
        if (note->n_type == NT_GNU_BUILD_ID && file_.text(name, note->n_namesz) == "GNU") {
          return hexadecimal(file_.bytes(content, note->n_descsz));
        }
        at = content + padded(note->n_descsz);
      }
    }
    return {};
  }

 private:
  static void take(const Elf64_Dyn& entry, DynamicSection& section) {
    switch (entry.d_tag) {
      case DT_SYMTAB:
        section.symbols = entry.d_un.d_ptr;
        break;
      case DT_STRTAB:
        section.strings = entry.d_un.d_ptr;
        break;
      case DT_HASH:
        section.hash = entry.d_un.d_ptr;
        break;
      case DT_GNU_HASH:
        section.gnu_hash = entry.d_un.d_ptr;
        break;
      case DT_FLAGS_1:
        section.is_executable = (entry.d_un.d_val & DF_1_PIE) != 0;
        break;
      default:
        break;
    }
  }

  static std::string hexadecimal(std::string_view raw) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (const unsigned char byte : raw) {
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
    return out;
  }

  std::optional<std::uint64_t> file_offset(std::uint64_t address) const {
    for (const auto& segment : segments_) {
      if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
      const auto within = address - segment.p_vaddr;
      if (within < segment.p_filesz) return segment.p_offset + within;
    }
    return std::nullopt;
  }

  /// The dynamic section does not say how many symbols there are; the hash tables do.
  std::uint64_t symbols_count(const DynamicSection& section) const {
    if (section.hash != 0) {
      const auto offset = file_offset(section.hash);
      const auto chains = offset ? file_.read<std::uint32_t>(*offset + 4) : std::nullopt;
      if (chains) return *chains;
    }
    return section.gnu_hash != 0 ? gnu_symbols_count(section) : 0;
  }

  std::uint64_t gnu_symbols_count(const DynamicSection& section) const {
    struct Header {
      std::uint32_t buckets_count, first_symbol, bloom_words, bloom_shift;
    };
    const auto table = file_offset(section.gnu_hash);
    const auto header = table ? file_.read<Header>(*table) : std::nullopt;
    if (!header) return 0;
    const auto buckets = *table + sizeof(Header) + std::uint64_t{header->bloom_words} * 8;
    std::uint32_t last = 0;
    for (std::uint64_t i = 0; i < header->buckets_count; ++i) {
      const auto first_of_bucket = file_.read<std::uint32_t>(buckets + i * 4);
      if (!first_of_bucket) return 0;
      last = std::max(last, *first_of_bucket);
    }
    if (last < header->first_symbol) return header->first_symbol;
    const auto chains = buckets + std::uint64_t{header->buckets_count} * 4;
    for (std::uint64_t i = last;; ++i) {  // the last bucket's chain ends with an odd word
      const auto word = file_.read<std::uint32_t>(chains + (i - header->first_symbol) * 4);
      if (!word) return 0;
      if ((*word & 1) != 0) return i + 1;
    }
  }

  const MappedFile& file_;
  std::vector<Elf64_Phdr> segments_;
};

/// Why the file is nothing that runs on this machine.
std::string problem_of_any(const MappedFile& file) {
  if (!file.problem().empty()) return file.problem();
  if (file.content().starts_with("!<arch>"))
    return "it is an archive of objects, not a shared library";
  if (!file.content().starts_with(ELFMAG)) return "it is not an ELF file";
  const auto header = file.read<Elf64_Ehdr>(0);
  if (!header) return "it is cut short";
  if (header->e_ident[EI_CLASS] != ELFCLASS64) return "it is a 32-bit library";
  if (header->e_machine != kMachine) return "it was built for another processor";
  return {};
}

std::string problem_of_library(const MappedFile& file) {
  auto problem = problem_of_any(file);
  if (!problem.empty()) return problem;
  const auto header = file.read<Elf64_Ehdr>(0);
  if (header->e_type != ET_DYN) return "it is an object or a program, not a shared library";
  if (ElfReader(file).dynamic_section().is_executable) {
    return "it is a program, not a shared library";
  }
  return {};
}

}  // namespace

bool exports_malloc(const std::string& path) {
  const MappedFile file(path);
  return problem_of_any(file).empty() && ElfReader(file).defines("malloc");
}

ElfLibrary inspect_elf_library(const std::string& path) {
  const MappedFile file(path);
  ElfLibrary library{.problem = problem_of_library(file), .defines_malloc = false, .build_id = {}};
  if (!library.problem.empty()) return library;
  const ElfReader reader(file);
  library.defines_malloc = reader.defines("malloc");
  library.build_id = reader.build_id();
  return library;
}

}  // namespace heapwise
