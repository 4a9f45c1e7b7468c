// Texts of /proc/PID/smaps for tests, a mapping a call:
//
//     SmapsText().add(0x7f0000000000, 132 KiB, "rw-p", "", {.rss = 100 KiB}).mappings()
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

#include "bench/core/units.h"
#include "bench/program/memory_mappings.h"

namespace heapwise {

inline constexpr std::uint64_t kKilo = kKiB.value;
inline constexpr std::uint64_t kMega = kMiB.value;
inline constexpr std::uint64_t kGiga = kGiB.value;

class SmapsText {
 public:
  struct Figures {
    std::uint64_t rss = 0;
    std::uint64_t pss = 0;  // 0: as rss
    std::uint64_t swap = 0;
    std::uint64_t huge = 0;
    std::uint64_t hugetlb = 0;
  };

  SmapsText& add(std::uint64_t begins, std::uint64_t length, const std::string& permissions,
                 const std::string& name, const Figures& figures) {
    text_ += fmt::format("{:x}-{:x} {} 00000000 fe:00 {} {:>20}{}\n", begins, begins + length,
                         permissions, name.starts_with("/") ? 247134 : 0, "", name);
    const auto line = [&](const char* key, std::uint64_t bytes) {
      text_ += fmt::format("{:<16}{:>8} kB\n", std::string(key) + ":", bytes / kKilo);
    };
    line("Size", length);
    line("Rss", figures.rss);
    line("Pss", figures.pss == 0 ? figures.rss : figures.pss);
    line("AnonHugePages", figures.huge);
    line("Shared_Hugetlb", 0);
    line("Private_Hugetlb", figures.hugetlb);
    line("Swap", figures.swap);
    line("SwapPss", figures.swap);
    text_ += "VmFlags: rd wr mr mw me ac \n";
    return *this;
  }
  SmapsText& add(std::uint64_t begins, std::uint64_t length, const std::string& permissions,
                 const std::string& name = "") {
    return add(begins, length, permissions, name, {});
  }

  const std::string& text() const { return text_; }
  std::vector<MemoryMapping> mappings() const { return parse_memory_mappings(text_); }

 private:
  std::string text_;
};

}  // namespace heapwise
