#include "bench/preload/malloc_provider.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "bench/preload/dynamic_symbols.h"
#include "bench/preload/raw_system_calls.h"
#include "bench/preload/text_buffer.h"

namespace heapwise {
namespace {

constexpr char kInterposerMark[] = "heapwise_interposer";
constexpr char kDigits[] = "0123456789abcdef";
constexpr std::size_t kUsualNoteAlignment = 4;

// One loaded object, copied out of the dynamic linker's walk; its tables stay mapped.
struct LoadedObject {
  dl_phdr_info info{};
  bool is_executable = false;
  bool is_found() const { return info.dlpi_phdr != nullptr; }
};

// The walk over all objects in link-map order, the executable first.
struct Walk {
  std::uintptr_t bound_address = 0;  // where this process's references to malloc lead
  bool is_first = true;
  LoadedObject first_definition;  // of malloc, interposers aside
  LoadedObject bound_object;      // the one that bound_address lies in, unless an interposer
};

bool contains(const dl_phdr_info& object, std::uintptr_t address) {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object.dlpi_phdr[i];
    const std::uintptr_t begins = object.dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && address >= begins && address - begins < segment.p_memsz) {
      return true;
    }
  }
  return false;
}

int visit(dl_phdr_info* object, std::size_t, void* data) {
  Walk& walk = *static_cast<Walk*>(data);
  const LoadedObject here{*object, walk.is_first};
  walk.is_first = false;
  const DynamicSymbols symbols(*object);
  if (symbols.defines(kInterposerMark)) return 0;
  if (!walk.first_definition.is_found() && symbols.defines("malloc")) walk.first_definition = here;
  if (contains(*object, walk.bound_address)) walk.bound_object = here;
  return 0;
}

// The address behind `malloc`, or 0 where it is only an executable's PLT entry, which stands for
// malloc in a non-PIE program and says nothing about who answers.
std::uintptr_t bound_address_of_malloc() {
  void* address = reinterpret_cast<void*>(&malloc);
  Dl_info info{};
  void* entry = nullptr;
  if (dladdr1(address, &info, &entry, RTLD_DL_SYMENT) == 0) return 0;
  const auto* symbol = static_cast<const ElfW(Sym)*>(entry);
  if (symbol == nullptr || symbol->st_shndx == SHN_UNDEF) return 0;
  return reinterpret_cast<std::uintptr_t>(address);
}

bool read_link_text(const char* link, char* path, std::size_t capacity) {
  const ssize_t length = raw::read_link(link, path, capacity - 1);
  if (length <= 0) return false;
  path[length] = '\0';
  return true;
}

// The kernel's name for the file that `name` leads to; `name` itself where it cannot be opened.
void write_canonical_path(const char* name, char* path, std::size_t capacity) {
  const int file = raw::open_file(name, O_PATH);
  if (file >= 0) {
    TextBuffer<64> link;
    link.append("/proc/self/fd/");
    link.append_number(file);
    const bool is_read = read_link_text(link.text(), path, capacity);
    raw::close_file(file);
    if (is_read) return;
  }
  strncpy(path, name, capacity - 1);
}

// Of one PT_NOTE segment; false when it holds no build id.
bool write_build_id(const char* notes, std::size_t length, std::size_t alignment, char* text,
                    std::size_t capacity) {
  const auto padded = [alignment](std::size_t bytes) {
    return (bytes + alignment - 1) & ~(alignment - 1);
  };
  while (length >= sizeof(ElfW(Nhdr))) {
    const auto* note = reinterpret_cast<const ElfW(Nhdr)*>(notes);
    const std::size_t name_bytes = padded(note->n_namesz);
    const std::size_t all_bytes = sizeof *note + name_bytes + padded(note->n_descsz);
    if (all_bytes > length) return false;
    const char* name = notes + sizeof *note;
    if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == sizeof ELF_NOTE_GNU &&
        memcmp(name, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0) {
      const auto* id = reinterpret_cast<const unsigned char*>(name + name_bytes);
      for (std::size_t i = 0; i < note->n_descsz && 2 * i + 2 < capacity; ++i) {
        text[2 * i] = kDigits[id[i] >> 4];
        text[2 * i + 1] = kDigits[id[i] & 15];
      }
      return true;
    }
    notes += all_bytes;
    length -= all_bytes;
  }
  return false;
}

void write_build_id(const dl_phdr_info& object, char* text, std::size_t capacity) {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object.dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const auto* notes = reinterpret_cast<const char*>(object.dlpi_addr + segment.p_vaddr);
    const std::size_t alignment = segment.p_align == 8 ? 8 : kUsualNoteAlignment;
    if (write_build_id(notes, segment.p_memsz, alignment, text, capacity)) return;
  }
}

}  // namespace

bool read_executable_path(char* path, unsigned long capacity) {
  return read_link_text("/proc/self/exe", path, capacity);
}

bool find_malloc_provider(MallocProvider& provider) {
  const int saved_errno = errno;
  memset(&provider, 0, sizeof provider);
  Walk walk;
  walk.bound_address = bound_address_of_malloc();
  dl_iterate_phdr(visit, &walk);
  const LoadedObject& object =
      walk.bound_object.is_found() ? walk.bound_object : walk.first_definition;
  if (object.is_found()) {
    provider.in_executable = object.is_executable;
    provider.base = object.info.dlpi_addr;
    if (!object.is_executable || !read_executable_path(provider.path, sizeof provider.path)) {
      write_canonical_path(object.info.dlpi_name, provider.path, sizeof provider.path);
    }
    write_build_id(object.info, provider.build_id, sizeof provider.build_id);
  }
  errno = saved_errno;
  return object.is_found();
}

}  // namespace heapwise
