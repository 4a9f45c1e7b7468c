#include "bench/claims/questions.h"

namespace heapwise {

const std::vector<Question>& all_questions() {
  static const std::vector<Question> kQuestions{
      question_1(), question_2(), question_3(), question_4(),  question_5(), question_6(),
      question_7(), question_8(), question_9(), question_10(), question_11()};
  return kQuestions;
}

std::vector<std::string> all_claim_ids() {
  std::vector<std::string> ids;
  for (const auto& question : all_questions()) {
    for (const auto& claim : question.claims) ids.emplace_back(claim.id);
  }
  return ids;
}

}  // namespace heapwise
