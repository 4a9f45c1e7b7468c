// How `heapwise claims` shows what it found: the verdicts by question, one experiment step by step.
#pragma once

#include <string>
#include <vector>

#include "bench/claims/claim.h"
#include "bench/claims/examination.h"

namespace heapwise {

/// A question with those of its claims that were asked for.
struct Examined {
  const Question* question = nullptr;
  std::vector<Row> rows;
};

void print_claims(const std::vector<Examined>& examined, const Conditions& here);

/// Of `settings_table` (settings_table.h): time and faults an operation by settings and size.
void print_settings_table(const Json& table);

/// The experiment as an annotated trace, then the verdict and how to see it on one's own process.
void print_explanation(const Row& row, const Conditions& here);

}  // namespace heapwise
