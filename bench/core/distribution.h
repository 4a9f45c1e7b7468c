// Distributions of sizes and of times.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "bench/core/random.h"

namespace heapwise {

/// Log-uniform over [minimum, maximum]: every doubling of the size is equally likely, which is how
/// sizes in programs spread over orders of magnitude. Drawn from a table of 1024 quantiles with
/// linear interpolation between them (about 2 ns a draw). 0 < minimum <= maximum.
class LogUniform {
 public:
  LogUniform(std::uint64_t minimum, std::uint64_t maximum) {
    const double low = std::log(static_cast<double>(minimum));
    const double step = (std::log(static_cast<double>(maximum)) - low) / kIntervals;
    for (std::size_t i = 0; i <= kIntervals; ++i) {
      quantiles_[i] = std::exp(low + step * static_cast<double>(i)) + 0.5;
    }
    quantiles_.front() = static_cast<double>(minimum) + 0.5;
    quantiles_.back() = static_cast<double>(maximum) + 0.5;
  }

  std::uint64_t draw(Random& random) const {
    const std::uint64_t bits = random.next();
    const std::size_t index = bits >> (64 - kIntervalBits);
    const double fraction = static_cast<double>((bits << kIntervalBits) >> 11) * 0x1p-53;
    const double low = quantiles_[index];
    return static_cast<std::uint64_t>(low + (quantiles_[index + 1] - low) * fraction);
  }

 private:
  static constexpr unsigned kIntervalBits = 10;
  static constexpr std::size_t kIntervals = std::size_t{1} << kIntervalBits;
  std::array<double, kIntervals + 1> quantiles_{};
};

/// The mean of such sizes, as if they were no whole numbers.
inline double mean_of_log_uniform(double minimum, double maximum) {
  return minimum < maximum ? (maximum - minimum) / std::log(maximum / minimum) : minimum;
}

/// Exponential: the gaps of arrivals that know nothing of each other, a Poisson process. mean > 0.
class Exponential {
 public:
  explicit Exponential(double mean) : mean_(mean) {}

  double draw(Random& random) const {
    const double uniform = static_cast<double>(random.next() >> 11) * 0x1p-53;
    return -mean_ * std::log1p(-uniform);
  }

 private:
  double mean_;
};

/// Of the sizes that LogUniform draws. 0 < minimum <= maximum.
inline double mean_of_log_uniform(std::uint64_t minimum, std::uint64_t maximum) {
  const auto low = static_cast<double>(minimum);
  const auto high = static_cast<double>(maximum);
  return low < high ? (high - low) / std::log(high / low) : low;
}

}  // namespace heapwise
