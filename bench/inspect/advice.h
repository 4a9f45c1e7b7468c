// What the figures of a process suggest, in plain sentences, and which command to try next. A table
// of rules (advice.cpp): each looks at an inspection and nothing else, so that each can be tested
// alone.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/inspect/inspection.h"

namespace heapwise {

struct Advice {
  std::string_view rule;
  std::string sentence;
  std::vector<std::string> next;  // command lines; COMMAND stands for how the program is started
};

/// Claims that explain what a rule says: `heapwise claims --explain ID`.
inline constexpr std::size_t kMostClaims = 2;

struct Rule {
  std::string_view name;
  bool (*applies)(const Inspection&);
  std::string (*says)(const Inspection&);
  std::vector<std::string> (*tries)(const Inspection&) = nullptr;  // command lines to try first
  std::array<std::string_view, kMostClaims> claims = {};           // empty: none
};

/// In the order in which advice is given: what hurts now, what holds much, what misleads.
std::span<const Rule> all_rules();

/// What applies; that nothing stands out where nothing does.
std::vector<Advice> advise(const Inspection& inspection);

}  // namespace heapwise
