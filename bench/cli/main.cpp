// heapwise: the command line and parent of everything that is measured.
#include <exception>
#include <memory>

#include "bench/cli/command_line.h"
#include "bench/cli/terminal.h"

namespace {

constexpr const char* kAbout =
    "Which allocator, with which malloc settings, should this program run on?\n"
    "\n"
    "  heapwise list                      what is installed, and what it can be asked\n"
    "  heapwise bench                     all workloads on all allocators, within 5 minutes\n"
    "  heapwise try -- ./service --once   your own program under each allocator\n"
    "  heapwise compare glibc jemalloc    two of them in lockstep, to about one per cent\n"
    "  heapwise gate --baseline old=./old/libmine.so --candidate new=./libmine.so\n"
    "                                     did the last change make it worse? for CI\n"
    "  heapwise claims                    what is said about malloc on Linux, tested here\n"
    "  heapwise inspect PID               what a running process does with its memory\n";

constexpr const char* kFooter =
    "Allocators and workloads are named alike: NAME[=PATH][:key=value[,key=value...]], such as\n"
    "glibc:mmap_threshold=32M,trim_threshold=1G or mine=./libmine.so or large_churn:size=1M.\n"
    "Exit codes: 0 all runs ok, 1 some run failed or did other work than the baseline, 2 error,\n"
    "130 interrupted; compare, gate and verify say their own in their --help.";

}  // namespace

int main(int argc, char** argv) {
  try {
    CLI::App app(kAbout, "heapwise");
    app.footer(kFooter);
    app.formatter(std::make_shared<heapwise::BriefFormatter>());
    app.set_version_flag("--version", "heapwise " HEAPWISE_VERSION);
    const std::vector<heapwise::Subcommand> subcommands{
        heapwise::add_list(app),    heapwise::add_bench(app), heapwise::add_try(app),
        heapwise::add_compare(app), heapwise::add_gate(app),  heapwise::add_verify(app),
        heapwise::add_export(app),  heapwise::add_claims(app), heapwise::add_inspect(app)};
    return heapwise::dispatch(app, subcommands, heapwise::split_command_line(argc, argv));
  } catch (const std::exception& error) {
    heapwise::print_error(error.what());
    return heapwise::kExitError;
  }
}
