// The load of a service over a day: least at 3 in the morning, most at 15 o'clock.
//
//     load(h) = 1 + 0.6 cos(2 pi (h - 15) / 24)      of the day's average: 0.4 to 1.6
//
// A day's requests are spread over it accordingly: what share of them has come by an hour, and the
// other way round. The curve is this suite's own choice; a peak of four times the trough is what a
// service with users on one continent sees.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace heapwise {

class DailyLoad {
 public:
  static constexpr double kHours = 24;
  static constexpr double kSwing = 0.6;
  static constexpr double kPeakHour = 15;
  /// Mean of load_at over a day's requests, which come when it is high.
  static constexpr double kMeanOverRequests = 1 + kSwing * kSwing / 2;

  DailyLoad() {
    for (std::size_t i = 0; i <= kIntervals; ++i) {
      hours_[i] = find_hour(static_cast<double>(i) / kIntervals);
    }
  }

  static double load_at(double hour) { return 1 + kSwing * std::cos(angle(hour - kPeakHour)); }

  /// The share of a day's requests that come before this hour.
  static double share_before(double hour) {
    const double wave = std::sin(angle(hour - kPeakHour)) - std::sin(angle(-kPeakHour));
    return hour / kHours + kSwing * wave / (2 * std::numbers::pi);
  }

  /// The hour by which this share of a day's requests has come; 0 <= share <= 1.
  double hour_at(double share) const {
    const double place = share * kIntervals;
    const auto index = std::min(static_cast<std::size_t>(place), kIntervals - 1);
    const double fraction = place - static_cast<double>(index);
    return hours_[index] + (hours_[index + 1] - hours_[index]) * fraction;
  }

  /// Of an hour, in radians.
  static double angle(double hour) { return 2 * std::numbers::pi * hour / kHours; }

 private:
  static constexpr std::size_t kIntervals = 1024;

  /// By halving: share_before rises everywhere.
  static double find_hour(double share) {
    double low = 0;
    double high = kHours;
    for (int i = 0; i < 50; ++i) {
      const double middle = (low + high) / 2;
      (share_before(middle) < share ? low : high) = middle;
    }
    return (low + high) / 2;
  }

  std::array<double, kIntervals + 1> hours_{};
};

}  // namespace heapwise
