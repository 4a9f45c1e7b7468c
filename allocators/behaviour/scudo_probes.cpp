#include "allocators/behaviour/scudo_probes.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace heapwise {
namespace {

/// What __scudo_print_stats writes to standard error, caught in `buffer`.
std::string_view statistics(char* buffer, std::size_t capacity) {
  auto* print = reinterpret_cast<void (*)()>(dlsym(RTLD_DEFAULT, "__scudo_print_stats"));
  const int file = memfd_create("scudo_stats", MFD_CLOEXEC);
  if (print == nullptr || file < 0 || dup2(file, STDERR_FILENO) < 0) return {};
  print();
  const auto length = pread(file, buffer, capacity, 0);
  return length <= 0 ? std::string_view{}
                     : std::string_view(buffer, static_cast<std::size_t>(length));
}

}  // namespace

void probe_quarantine(Quarantine which, std::uint64_t wanted_kib, ProbeAnswer& answer) {
  static std::array<char, 65536> buffer;
  const auto text = statistics(buffer.data(), buffer.size());
  const std::string_view label =
      which == Quarantine::kGlobal ? "Quarantine limits: global: " : "thread local: ";
  const auto at = text.find(label);
  std::uint64_t kib = 0;
  if (at == std::string_view::npos ||
      std::from_chars(text.data() + at + label.size(), text.data() + text.size(), kib).ec !=
          std::errc{}) {
    return answer.hide("__scudo_print_stats says nothing of the quarantine");
  }
  if (kib == wanted_kib) return answer.verify("%" PRIu64, kib);
  answer.contradict("%" PRIu64, kib);
}

void probe_zero_contents(bool wanted, ProbeAnswer& answer) {
  constexpr std::size_t kBytes = 100;
  constexpr int kPattern = 0x5a;
  constexpr std::size_t kRounds = 10000;
  static std::array<const void*, kRounds> earlier;
  for (std::size_t i = 0; i < kRounds; ++i) {
    void* volatile fresh = std::malloc(kBytes);
    void* const object = fresh;
    if (object == nullptr) return answer.hide("no memory for an object");
    if (std::find(earlier.data(), earlier.data() + i, object) != earlier.data() + i) {
      const auto* content = static_cast<const char*>(object);
      const bool zero = std::all_of(content, content + kBytes, [](char byte) { return byte == 0; });
      const char* seen = zero ? "reused objects are zero" : "reused objects keep their content";
      return zero == wanted ? answer.verify("%s", seen) : answer.contradict("%s", seen);
    }
    earlier[i] = object;
    std::memset(object, kPattern, kBytes);
    std::free(object);
  }
  answer.hide("no object was reused");
}

}  // namespace heapwise
