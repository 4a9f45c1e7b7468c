// Values made beforehand that a loop takes one after another, and again from the start.
//
// The length is a prime where what is taken meets a cycle of another length, so that the two do not
// fall into step.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace heapwise {

template <class Value>
class Ring {
 public:
  Ring() = default;
  explicit Ring(std::vector<Value> values) : values_(std::move(values)) {}

  Value& next() {
    Value& value = values_[position_];
    if (++position_ == values_.size()) position_ = 0;
    return value;
  }

  /// Sum of number(value) over the `count` values that next() will give.
  template <class Number>
  std::uint64_t sum_of_next(std::uint64_t count, Number number) const {
    const auto sum = [&](std::size_t from, std::size_t to) {
      std::uint64_t total = 0;
      for (auto i = from; i < to; ++i) total += number(values_[i]);
      return total;
    };
    const auto size = values_.size();
    const std::size_t end = position_ + count % size;
    return count / size * sum(0, size) + sum(position_, std::min(end, size)) +
           (end > size ? sum(0, end - size) : 0);
  }

  std::vector<Value>& values() { return values_; }
  const std::vector<Value>& values() const { return values_; }
  std::uint64_t table_bytes() const { return values_.size() * sizeof(Value); }

 private:
  std::vector<Value> values_;
  std::size_t position_ = 0;
};

}  // namespace heapwise
