#include "bench/cli/command_line.h"

#include <algorithm>
#include <iterator>

#include "bench/core/spec.h"

namespace heapwise {
namespace {

std::vector<std::string> names_of(const std::vector<Subcommand>& subcommands) {
  std::vector<std::string> names;
  for (const auto& subcommand : subcommands) names.push_back(subcommand.app->get_name());
  return names;
}

void require_known_subcommand(const std::vector<Subcommand>& subcommands,
                              const std::vector<std::string>& options) {
  const auto names = names_of(subcommands);
  const auto word = std::ranges::find_if(options, [](const auto& text) { return text[0] != '-'; });
  if (word == options.end() || std::ranges::count(names, *word) > 0) return;
  throw UsageError("there is no subcommand '" + *word + "'" + did_you_mean(*word, names) +
                   "; see heapwise --help");
}

/// The subcommand whose options were being read, or the whole application.
CLI::App* parsed_app(CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? &app : chosen.front();
}

[[noreturn]] void reject(CLI::App& app, const CLI::ParseError& error) {
  const auto* chosen = parsed_app(app);
  std::vector<std::string> options;
  for (const auto* option : chosen->get_options()) {
    for (const auto& name : option->get_lnames()) options.push_back("--" + name);
  }
  std::string hint;
  for (const auto& word : app.remaining(true)) {
    const auto name = word.substr(0, word.find('='));
    if (hint.empty() && name.rfind("--", 0) == 0) hint = did_you_mean(name, options);
  }
  const auto help = chosen == &app ? std::string("heapwise") : "heapwise " + chosen->get_name();
  throw UsageError(std::string(error.what()) + hint + "; see " + help + " --help");
}

}  // namespace

CommandLine split_command_line(int argc, const char* const* argv) {
  CommandLine line;
  line.all.assign(argv, argv + argc);
  const auto separator = std::ranges::find(line.all, "--");
  line.options.assign(std::next(line.all.begin()), separator);
  if (separator != line.all.end()) line.command.assign(std::next(separator), line.all.end());
  return line;
}

std::string BriefFormatter::make_option_opts(const CLI::Option* option) const {
  const auto text = CLI::Formatter::make_option_opts(option);
  return text.substr(0, text.find(" Excludes:"));
}

int dispatch(CLI::App& app, const std::vector<Subcommand>& subcommands, const CommandLine& line) {
  require_known_subcommand(subcommands, line.options);
  auto reversed = line.options;  // the order CLI11 takes a vector in
  std::ranges::reverse(reversed);
  try {
    app.parse(reversed);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    reject(app, error);
  }
  for (const auto& subcommand : subcommands) {
    if (subcommand.app->parsed()) return subcommand.run(line);
  }
  return app.exit(CLI::CallForHelp());
}

}  // namespace heapwise
