// The eleven questions, each with its claims in a file of its own.
#pragma once

#include <vector>

#include "bench/claims/claim.h"

namespace heapwise {

Question question_1();
Question question_2();
Question question_3();
Question question_4();
Question question_5();
Question question_6();
Question question_7();
Question question_8();
Question question_9();
Question question_10();
Question question_11();

/// All of them, in their order.
const std::vector<Question>& all_questions();

/// Every claim's id, in order.
std::vector<std::string> all_claim_ids();

}  // namespace heapwise
