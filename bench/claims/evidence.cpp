#include "bench/claims/evidence.h"

#include <fmt/format.h>

#include <sstream>

namespace heapwise {
namespace {

/// The rest of the line behind one blank.
std::string rest_of(std::istringstream& words) {
  std::string rest;
  words.get();
  std::getline(words, rest);
  return rest;
}

bool parse_line(const std::string& line, Evidence& evidence) {
  std::istringstream words(line);
  std::string kind;
  words >> kind;
  if (kind == "refused") {
    evidence.refused = rest_of(words);
    return true;
  }
  if (kind == "step") {
    Step step;
    words >> step.brk >> step.vsz_bytes >> step.rss_bytes >> step.minor_faults_count >>
        step.major_faults_count >> step.address;
    if (!words) return false;
    step.label = rest_of(words);
    evidence.steps.push_back(std::move(step));
    return true;
  }
  std::string name;
  if (kind == "text" && words >> name) {
    evidence.texts[name] = rest_of(words);
    return true;
  }
  if (std::int64_t figure = 0; kind == "value" && words >> name >> figure) {
    evidence.values[name] = figure;
    return true;
  }
  if (CurvePoint point; kind == "point" && words >> name >> point.x >> point.y) {
    evidence.curves[name].push_back(point);
    return true;
  }
  return false;
}

[[noreturn]] void throw_missing(const Evidence& evidence, const std::string& name) {
  std::string why = "the experiment did not tell it";
  if (evidence.timed_out) {
    why = "the experiment took too long";
  } else if (evidence.signal != 0) {
    why = fmt::format("the experiment was ended by signal {}", evidence.signal);
  } else if (!evidence.ended()) {
    why = fmt::format("the experiment ended early, with exit code {}", evidence.exit_code);
  }
  throw MissingEvidence(fmt::format("no '{}': {}", name, why));
}

}  // namespace

Evidence Evidence::parse(std::string_view output) {
  Evidence evidence;
  std::istringstream lines{std::string(output)};
  for (std::string line; std::getline(lines, line);) {
    if (!parse_line(line, evidence)) evidence.stray_output += line + "\n";
  }
  return evidence;
}

std::int64_t Evidence::value(const std::string& name) const {
  const auto found = values.find(name);
  if (found == values.end()) throw_missing(*this, name);
  return found->second;
}

const std::string& Evidence::text(const std::string& name) const {
  const auto found = texts.find(name);
  if (found == texts.end()) throw_missing(*this, name);
  return found->second;
}

const std::vector<CurvePoint>& Evidence::curve(const std::string& name) const {
  static const std::vector<CurvePoint> kNone;
  const auto found = curves.find(name);
  return found == curves.end() ? kNone : found->second;
}

Json to_json(const Evidence& evidence) {
  Json json{{"values", evidence.values}, {"texts", evidence.texts}};
  json["texts"].erase("ended");
  auto& steps = json["steps"] = Json::array();
  for (const auto& step : evidence.steps) {
    steps.push_back({{"label", step.label},
                     {"brk", step.brk},
                     {"vsz_bytes", step.vsz_bytes},
                     {"rss_bytes", step.rss_bytes},
                     {"minor_faults_count", step.minor_faults_count},
                     {"major_faults_count", step.major_faults_count},
                     {"address", step.address}});
  }
  auto& curves = json["curves"] = Json::object();
  for (const auto& [name, points] : evidence.curves) {
    auto& curve = curves[name] = Json::array();
    for (const auto& point : points) curve.push_back({point.x, point.y});
  }
  json["exit_code"] = evidence.exit_code;
  json["signal"] = evidence.signal;
  return json;
}

}  // namespace heapwise
