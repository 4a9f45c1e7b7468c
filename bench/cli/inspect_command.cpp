// `heapwise inspect PID`: what a running process does with its memory, without stopping it.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>

#include "bench/cli/command_line.h"
#include "bench/cli/duration.h"
#include "bench/cli/inspection_page.h"
#include "bench/cli/terminal.h"
#include "bench/core/clock.h"
#include "bench/core/spec.h"
#include "bench/inspect/inspection_json.h"
#include "bench/run/interrupt.h"

namespace heapwise {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  heapwise inspect 4242                    all of it, with rates over one second\n"
    "  heapwise inspect $(pidof -s redis-server) --for 10s\n"
    "  sudo heapwise inspect 4242 --watch       another user's, again every second until Ctrl-C\n"
    "  heapwise inspect 4242 --watch 5 --for 1h > course.txt\n"
    "                                           a line every 5 seconds, all of it at the end\n"
    "  heapwise inspect 4242 --json | jq .advice\n"
    "\n"
    "VSZ is address space, RSS what of it is in memory, PSS the same with shared pages counted by\n"
    "parts. Arenas are what glibc's malloc has for threads beside the heap. Free and live objects\n"
    "look alike from outside, and so do large objects of malloc and memory that the program has\n"
    "mapped by itself. Settings are those it was started with: mallopt() cannot be seen. The\n"
    "sentences at the end come from fixed rules over these figures; each names what to try next.\n"
    "\n"
    "The process is not stopped. Reading its memory by kind (/proc/PID/smaps) makes the kernel "
    "look\n"
    "at each of its pages, about 12 ms for 1 GB of small ones, and what it maps or unmaps "
    "meanwhile\n"
    "waits. That is done once, and again only where it takes less than a hundredth of the time;\n"
    "counters and rates cost next to nothing. How long it took is printed.\n"
    "\n"
    "It takes the same user or root; processes of the kernel and ended ones have nothing to show.\n"
    "Exit codes: 0 shown, also where the process ended meanwhile (which is said; the figures are\n"
    "its last) or Ctrl-C ended a watch; 2 there was nothing to look at; 130 Ctrl-C cut a sample "
    "short.";

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr double kShortestInterval = 0.1;  // clock ticks of 10 ms make finer shares of CPU noise
constexpr double kLongestInterval = 86'400;

struct Options {
  std::string process;
  std::string interval;
  std::string duration;
  bool watches = false;
  bool as_json = false;
};

Nanoseconds parse_interval(const std::string& text) {
  if (text.empty()) return {kNanosecondsPerSecond};
  char* rest = nullptr;
  const double seconds = std::strtod(text.c_str(), &rest);
  const bool has_number = rest != text.c_str() && (*rest == '\0' || std::string(rest) == "s");
  if (!has_number || !(seconds >= kShortestInterval && seconds <= kLongestInterval)) {
    throw UsageError(
        "--watch '" + text +
        "' is no number of seconds from 0.1 to 86400; write --watch 2, or --watch alone "
        "for every second");
  }
  return {static_cast<std::uint64_t>(seconds * static_cast<double>(kNanosecondsPerSecond))};
}

/// Waits until then, a signal, or the process's end.
void wait_until(Nanoseconds then, const Interrupt& interrupt, const Inspector& inspector) {
  constexpr std::uint64_t kNanosecondsPerMillisecond = 1'000'000;
  std::array<pollfd, 2> events{pollfd{interrupt.descriptor(), POLLIN, 0},
                               pollfd{inspector.end_descriptor(), POLLIN, 0}};
  for (auto now = monotonic_now(); now < then; now = monotonic_now()) {
    const auto left =
        ((then - now).value + kNanosecondsPerMillisecond - 1) / kNanosecondsPerMillisecond;
    if (poll(events.data(), events.size(), static_cast<int>(left)) > 0) return;
  }
}

/// Where inspections go: a page, a screen that is rewritten, lines, or JSON.
class Screen {
 public:
  explicit Screen(bool as_json)
      : as_json_(as_json), is_rewritten_(!as_json && isatty(STDOUT_FILENO) == 1) {}

  void show_whole(const Inspection& inspection) const {
    if (as_json_) {
      constexpr int kIndent = 2;
      print_json(inspection, kIndent);
    } else {
      std::fputs(page_of(inspection).c_str(), stdout);
    }
    std::fflush(stdout);
  }

  /// One look of a watch.
  void show_look(const Inspection& inspection) {
    if (as_json_) {
      print_json(inspection, -1);
    } else if (is_rewritten_) {
      const auto page = first_lines(page_of(inspection), rows_of(STDOUT_FILENO) - 1);
      fmt::print("\033[H\033[J{}", page);
    } else {
      if (!has_heading_) fmt::print("{}\n", watch_heading());
      has_heading_ = true;
      fmt::print("{}\n", watch_line(inspection));
    }
    std::fflush(stdout);
  }

  /// What a watch leaves behind: all of it, once more where only lines or the top of it were seen.
  void end_watch(const Inspection& inspection) const {
    if (as_json_) return;
    std::fputs(is_rewritten_ ? "\033[H\033[J" : "\n", stdout);
    show_whole(inspection);
  }

 private:
  static std::string page_of(const Inspection& inspection) {
    return inspection_page(
        inspection, advise(inspection),
        {.columns = columns_of(STDOUT_FILENO), .has_colour = uses_colour(STDOUT_FILENO)});
  }
  static void print_json(const Inspection& inspection, int indent) {
    // Paths and values are bytes; what is no UTF-8 is replaced.
    fmt::print("{}\n", to_json(inspection, advise(inspection))
                           .dump(indent, ' ', false, Json::error_handler_t::replace));
  }

  bool as_json_;
  bool is_rewritten_;
  bool has_heading_ = false;
};

void note_end(const Inspection& inspection) {
  if (!inspection.has_ended) return;
  print_note(
      fmt::format("process {} has ended; these are its last figures", inspection.process.pid));
}

int sample(Inspector& inspector, const Options& options, Screen screen) {
  Interrupt interrupt;
  const auto duration = options.duration.empty() ? Nanoseconds{kNanosecondsPerSecond}
                                                 : parse_duration("--for", options.duration);
  wait_until(monotonic_now() + duration, interrupt, inspector);
  inspector.look();
  screen.show_whole(inspector.inspection());
  note_end(inspector.inspection());
  return interrupt.requested() ? kExitInterrupted : kExitOk;
}

int watch(Inspector& inspector, const Options& options, Screen screen) {
  Interrupt interrupt;
  const auto interval = parse_interval(options.interval);
  const auto begun = monotonic_now();
  const auto end = options.duration.empty() ? Nanoseconds{UINT64_MAX}
                                            : begun + parse_duration("--for", options.duration);
  auto next = begun;
  do {
    next = std::min(next + interval, end);
    wait_until(next, interrupt, inspector);
    if (interrupt.requested() || !inspector.look()) break;
    screen.show_look(inspector.inspection());
  } while (next < end);
  screen.end_watch(inspector.inspection());
  note_end(inspector.inspection());
  return kExitOk;
}

/// `--watch 4242` without any other number: that is the process.
void sort_out_numbers(Options& options) {
  if (options.process.empty()) std::swap(options.process, options.interval);
  if (options.process.empty()) {
    throw UsageError(
        "inspect takes the number of a process; find it with: pgrep -a NAME, or ps -e");
  }
}

int run_inspect(Options options) {
  sort_out_numbers(options);
  parse_interval(options.interval);  // what was typed wrong is told before anything is looked at
  if (!options.duration.empty()) parse_duration("--for", options.duration);
  const auto number = parse_process_number(options.process);
  Inspector inspector(number);
  if (inspector.inspection().process.pid != number) {
    print_note(
        fmt::format("{} is a thread of process {}", number, inspector.inspection().process.pid));
  }
  const Screen screen(options.as_json);
  return options.watches ? watch(inspector, options, screen) : sample(inspector, options, screen);
}

}  // namespace

Subcommand add_inspect(CLI::App& app) {
  auto* inspect = app.add_subcommand("inspect", "a running process: its memory, and what to try");
  inspect->footer(kFooter);
  auto options = std::make_shared<Options>();
  inspect->add_option("PID", options->process, "the number of the process")->type_name("");
  auto* interval =
      inspect
          ->add_option("--watch", options->interval,
                       "look again every so many seconds (default 1); on a terminal the "
                       "page is rewritten, elsewhere each look is a line")
          ->expected(0, 1)
          ->type_name("[SECONDS]");
  inspect
      ->add_option("--for", options->duration,
                   "how long: 5s, 10m, 1h (default: 1s, with --watch until Ctrl-C)")
      ->type_name("DURATION");
  inspect->add_flag("--json", options->as_json,
                    "print JSON; with --watch an object a line for each look");
  return {inspect, [options, interval](const CommandLine&) {
            options->watches = interval->count() > 0;
            return run_inspect(*options);
          }};
}

}  // namespace heapwise
