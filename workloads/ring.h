// Values made beforehand that a loop takes one after another, and again from the start.
//
// The length is a prime where what is taken meets a cycle of another length, so that the two do not
// fall into step.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace heapwise {

template <class Make>
auto make_values(std::size_t count, Make make) {
  std::vector<decltype(make())> values(count);
  std::generate(values.begin(), values.end(), make);
  return values;
}

/// A prime of at least `least`, from a few that lie far apart; the last is the largest.
inline std::size_t prime_from(std::uint64_t least) {
  constexpr std::array<std::size_t, 4> kPrimes{65'521, 1'048'573, 16'777'213, 268'435'399};
  return *std::lower_bound(kPrimes.begin(), kPrimes.end() - 1, least);
}

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

  /// The next ones, `most` or as many as there are before the start again.
  std::span<Value> take(std::uint64_t most) {
    const auto count = std::min<std::uint64_t>(most, values_.size() - position_);
    const auto taken = std::span(values_).subspan(position_, count);
    position_ = (position_ + count) % values_.size();
    return taken;
  }

  /// Sum of a number of each value, such as a member, over the `count` values that next() will
  /// give.
  template <class Number>
  std::uint64_t sum_of_next(std::uint64_t count, Number number) const {
    const auto sum = [&](std::size_t from, std::size_t to) {
      std::uint64_t total = 0;
      for (auto i = from; i < to; ++i) total += std::invoke(number, values_[i]);
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
