#include "bench/program/program_description.h"

#include <algorithm>
#include <set>

#include "bench/core/spec.h"

namespace heapwise {
namespace {

using Field = std::string ProgramDescription::*;
using ListField = std::vector<std::string> ProgramDescription::*;

struct TextField {
  const char* key;
  Field field;
};

struct TextListField {
  const char* key;
  ListField field;
};

constexpr TextField kTexts[]{{"name", &ProgramDescription::name},
                             {"models", &ProgramDescription::models},
                             {"title", &ProgramDescription::title},
                             {"serve", &ProgramDescription::serve},
                             {"ready", &ProgramDescription::ready},
                             {"drive", &ProgramDescription::drive},
                             {"stop", &ProgramDescription::stop},
                             {"setup", &ProgramDescription::setup},
                             {"prepare", &ProgramDescription::prepare},
                             {"digest", &ProgramDescription::digest},
                             {"filter", &ProgramDescription::filter},
                             {"input", &ProgramDescription::input},
                             {"directory", &ProgramDescription::directory},
                             {"app_directory", &ProgramDescription::app_directory}};

constexpr TextListField kTextLists[]{{"argv", &ProgramDescription::argv},
                                     {"check_files", &ProgramDescription::check_files},
                                     {"allocators", &ProgramDescription::allocators},
                                     {"packages", &ProgramDescription::packages},
                                     {"programs", &ProgramDescription::programs}};

constexpr const char* kOthers[]{"command", "environment", "metrics", "expect_exit", "timing"};

std::vector<std::string> all_keys() {
  std::vector<std::string> keys;
  for (const auto& text : kTexts) keys.emplace_back(text.key);
  for (const auto& list : kTextLists) keys.emplace_back(list.key);
  for (const auto* other : kOthers) keys.emplace_back(other);
  return keys;
}

void require_known_fields(const Json& json, const std::string& where) {
  const auto keys = all_keys();
  for (const auto& [key, value] : json.items()) {
    if (std::ranges::count(keys, key) > 0) continue;
    throw UsageError(where + " has a field '" + key + "' that no program has" +
                     did_you_mean(key, keys) + "; take it out");
  }
}

/// The fields that are not plain texts or lists of texts.
void read_others(const Json& json, ProgramDescription& program) {
  if (json.contains("command")) {
    program.argv = {"/bin/sh", "-c", json.at("command").get<std::string>()};
  }
  if (json.contains("environment")) {
    for (const auto& [key, value] : json.at("environment").items()) {
      program.environment.push_back(key + "=" + value.get<std::string>());
    }
  }
  if (json.contains("metrics")) {
    for (const auto& metric : json.at("metrics")) {
      program.metrics.push_back(parse_metric_pattern(metric.get<std::string>()));
    }
  }
  program.expected_exit_code = json.value("expect_exit", 0);
  const auto timing = json.value("timing", program.is_served() ? "serve" : "whole");
  if (timing != "serve" && timing != "whole") {
    throw UsageError("timing '" + timing + "' is none; write serve or whole");
  }
  program.timing = timing == "serve" ? Timing::kServe : Timing::kWhole;
}

Json environment_json(const std::vector<std::string>& entries) {
  Json json = Json::object();
  for (const auto& entry : entries) {
    const auto equals = entry.find('=');
    json[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return json;
}

bool is_plain(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  return !word.empty() && word.find_first_not_of(kPlain) == std::string::npos;
}

std::string quoted(const std::string& word) {
  if (is_plain(word)) return word;
  std::string text = "'";
  for (const char character : word) text += character == '\'' ? "'\\''" : std::string(1, character);
  return text + "'";
}

}  // namespace

Json to_json(const ProgramDescription& program) {
  Json json = Json::object();
  for (const auto& [key, field] : kTexts) {
    if (!(program.*field).empty()) json[key] = program.*field;
  }
  for (const auto& [key, field] : kTextLists) {
    if (!(program.*field).empty()) json[key] = program.*field;
  }
  if (!program.environment.empty()) json["environment"] = environment_json(program.environment);
  for (const auto& metric : program.metrics) json["metrics"].push_back(metric.text());
  json["expect_exit"] = program.expected_exit_code;
  json["timing"] = program.timing == Timing::kServe ? "serve" : "whole";
  return json;
}

ProgramDescription program_from_json(const Json& json, const std::string& where) {
  if (!json.is_object()) throw UsageError(where + " is not a JSON object; see workloads/apps");
  require_known_fields(json, where);
  ProgramDescription program;
  try {
    for (const auto& [key, field] : kTexts) program.*field = json.value(key, "");
    for (const auto& [key, field] : kTextLists) {
      if (json.contains(key)) program.*field = json.at(key).get<std::vector<std::string>>();
    }
    read_others(json, program);
  } catch (const nlohmann::json::exception& error) {
    throw UsageError(where + " has a field of the wrong kind: " + error.what());
  } catch (const UsageError& error) {
    throw UsageError(where + ": " + error.what());
  }
  require_consistent(program);
  return program;
}

void require_consistent(const ProgramDescription& program) {
  if (program.is_served() && !program.argv.empty()) {
    throw UsageError(
        "there is both a command and a server; give either a command after '--' or --serve with "
        "--drive");
  }
  if (program.is_served() && program.drive.empty()) {
    throw UsageError("the server '" + program.serve +
                     "' has no client; say with --drive what puts load on it and then ends");
  }
  if (program.is_served()) return;
  const std::pair<const char*, const std::string&> of_a_server[]{
      {"--drive", program.drive}, {"--ready", program.ready}, {"--stop", program.stop}};
  for (const auto& [option, text] : of_a_server) {
    if (text.empty()) continue;
    throw UsageError(std::string(option) + " '" + text +
                     "' needs a server; say with --serve what is to be started");
  }
  if (program.timing == Timing::kServe) {
    throw UsageError("only a server has a phase of serving; leave out --timing serve");
  }
}

std::string shell_text(const std::vector<std::string>& argv) {
  std::string text;
  for (const auto& word : argv) text += (text.empty() ? "" : " ") + quoted(word);
  return text;
}

}  // namespace heapwise
