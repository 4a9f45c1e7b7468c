#include "bench/run/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench/core/clock.h"

namespace heapwise {
namespace {

constexpr Nanoseconds kBetweenPlainLines{10'000'000'000};
constexpr Nanoseconds kBetweenRewrites{100'000'000};
const char* const kClearLine = "\r\033[K";

std::string describe(const ProgressState& state) {
  const auto percent = state.runs_planned == 0 ? 100 : 100 * state.runs_done / state.runs_planned;
  auto text = fmt::format("[{:3}%] {} of {} runs", percent, state.runs_done, state.runs_planned);
  if (state.left.value > 0) text += ", " + format_duration(state.left) + " left";
  return state.doing.empty() ? text : text + "  " + state.doing;
}

/// Columns of the terminal on standard error, or 0.
std::size_t terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace

void ProgressReporter::update(const ProgressState& state) {
  const auto now = sink_.now();
  const auto pause = sink_.rewrites_line ? kBetweenRewrites : kBetweenPlainLines;
  if (last_line_.value != 0 && now < last_line_ + pause) return;
  last_line_ = now;
  const auto text = describe(state);
  const auto shown = sink_.columns == 0 ? text : text.substr(0, sink_.columns - 1);
  sink_.write(sink_.rewrites_line ? kClearLine + shown : shown + "\n");
  line_open_ = sink_.rewrites_line;
}

void ProgressReporter::note(const std::string& text) {
  finish();
  sink_.write(text + "\n");
}

void ProgressReporter::finish() {
  if (line_open_) sink_.write(kClearLine);
  line_open_ = false;
}

ProgressReporter::Sink standard_error_sink() {
  return {.write =
              [](const std::string& text) {
                std::fwrite(text.data(), 1, text.size(), stderr);
                std::fflush(stderr);
              },
          .now = monotonic_now,
          .rewrites_line = isatty(STDERR_FILENO) == 1,
          .columns = terminal_columns()};
}

std::string format_duration(Nanoseconds duration) {
  constexpr std::uint64_t kPerSecond = 1'000'000'000;
  constexpr std::uint64_t kMinute = 60;
  constexpr std::uint64_t kHour = 3600;
  const auto seconds = (duration.value + kPerSecond - 1) / kPerSecond;
  if (seconds < kMinute) return fmt::format("{} s", seconds);
  if (seconds < kHour) return fmt::format("{} min {:02} s", seconds / kMinute, seconds % kMinute);
  return fmt::format("{} h {:02} min", seconds / kHour, seconds % kHour / kMinute);
}

}  // namespace heapwise
