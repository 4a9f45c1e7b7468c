#include "bench/preload/dynamic_symbols.h"

#include <string.h>

namespace heapwise {
namespace {

// The head of DT_GNU_HASH. Behind it lie bloom_words words of the filter, the buckets, the chains.
struct GnuHashHead {
  std::uint32_t buckets;
  std::uint32_t first_symbol;
  std::uint32_t bloom_words;
  std::uint32_t bloom_shift;
};

// The head of DT_HASH. Behind it lie the buckets, the chains.
struct SystemVHashHead {
  std::uint32_t buckets;
  std::uint32_t symbols;
};

std::uint32_t gnu_hash_of(const char* name) {
  std::uint32_t hash = 5381;
  for (; *name != '\0'; ++name) hash = hash * 33 + static_cast<unsigned char>(*name);
  return hash;
}

std::uint32_t system_v_hash_of(const char* name) {
  std::uint32_t hash = 0;
  for (; *name != '\0'; ++name) {
    hash = (hash << 4) + static_cast<unsigned char>(*name);
    const std::uint32_t high = hash & 0xf0000000U;
    hash = (hash ^ (high >> 24)) & ~high;
  }
  return hash;
}

const ElfW(Dyn) * dynamic_section_of(const dl_phdr_info& object) {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    if (object.dlpi_phdr[i].p_type == PT_DYNAMIC) {
      return reinterpret_cast<const ElfW(Dyn)*>(object.dlpi_addr + object.dlpi_phdr[i].p_vaddr);
    }
  }
  return nullptr;
}

// The dynamic linker has relocated the section's pointers in place, except in a read-only one
// (the vdso's), where they are still offsets.
template <class Target>
const Target* pointer_in(const dl_phdr_info& object, const ElfW(Dyn) & entry) {
  const ElfW(Addr) value = entry.d_un.d_ptr;
  return reinterpret_cast<const Target*>(value < object.dlpi_addr ? object.dlpi_addr + value
                                                                  : value);
}

}  // namespace

DynamicSymbols::DynamicSymbols(const dl_phdr_info& object) {
  const ElfW(Dyn)* entry = dynamic_section_of(object);
  if (entry == nullptr) return;
  for (; entry->d_tag != DT_NULL; ++entry) {
    if (entry->d_tag == DT_SYMTAB) symbols_ = pointer_in<ElfW(Sym)>(object, *entry);
    if (entry->d_tag == DT_STRTAB) strings_ = pointer_in<char>(object, *entry);
    if (entry->d_tag == DT_GNU_HASH) gnu_hash_ = pointer_in<std::uint32_t>(object, *entry);
    if (entry->d_tag == DT_HASH) system_v_hash_ = pointer_in<std::uint32_t>(object, *entry);
  }
}

bool DynamicSymbols::defines(const char* name) const {
  if (symbols_ == nullptr || strings_ == nullptr) return false;
  if (gnu_hash_ != nullptr) return gnu_hash_defines(name);
  return system_v_hash_ != nullptr && system_v_hash_defines(name);
}

bool DynamicSymbols::is_definition_of(const ElfW(Sym) & symbol, const char* name) const {
  return symbol.st_shndx != SHN_UNDEF && symbol.st_value != 0 &&
         ELF64_ST_BIND(symbol.st_info) != STB_LOCAL && strcmp(strings_ + symbol.st_name, name) == 0;
}

bool DynamicSymbols::gnu_hash_defines(const char* name) const {
  const auto* head = reinterpret_cast<const GnuHashHead*>(gnu_hash_);
  if (head->buckets == 0) return false;
  const auto* bloom = reinterpret_cast<const ElfW(Addr)*>(head + 1);
  const auto* buckets = reinterpret_cast<const std::uint32_t*>(bloom + head->bloom_words);
  const std::uint32_t* chains = buckets + head->buckets;

  const std::uint32_t hash = gnu_hash_of(name);
  std::uint32_t index = buckets[hash % head->buckets];
  if (index < head->first_symbol) return false;
  for (;; ++index) {
    const std::uint32_t chain = chains[index - head->first_symbol];  // lowest bit: last of chain
    if ((chain | 1U) == (hash | 1U) && is_definition_of(symbols_[index], name)) return true;
    if ((chain & 1U) != 0) return false;
  }
}

bool DynamicSymbols::system_v_hash_defines(const char* name) const {
  const auto* head = reinterpret_cast<const SystemVHashHead*>(system_v_hash_);
  if (head->buckets == 0) return false;
  const std::uint32_t* buckets = system_v_hash_ + sizeof(*head) / sizeof(std::uint32_t);
  const std::uint32_t* chains = buckets + head->buckets;
  std::uint32_t index = buckets[system_v_hash_of(name) % head->buckets];
  for (; index != STN_UNDEF; index = chains[index]) {
    if (is_definition_of(symbols_[index], name)) return true;
  }
  return false;
}

}  // namespace heapwise
