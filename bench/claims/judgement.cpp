#include "bench/claims/claim.h"

namespace heapwise {

std::string_view word_of(Holds holds) {
  switch (holds) {
    case Holds::kYes:
      return "holds";
    case Holds::kOnlyIf:
      return "holds_if";
    case Holds::kNo:
      return "does_not_hold";
    case Holds::kNotTestable:
      return "not_testable";
  }
  return "not_testable";
}

Judgement holds(std::string measured) {
  return {.holds = Holds::kYes, .measured = std::move(measured)};
}

Judgement holds_if(std::string condition, std::string measured) {
  return {
      .holds = Holds::kOnlyIf, .condition = std::move(condition), .measured = std::move(measured)};
}

Judgement does_not_hold(std::string measured) {
  return {.holds = Holds::kNo, .measured = std::move(measured)};
}

Judgement not_testable(std::string reason) {
  return {.condition = std::move(reason)};
}

Judgement holds_when(bool is_so, std::string measured) {
  return is_so ? holds(std::move(measured)) : does_not_hold(std::move(measured));
}

}  // namespace heapwise
