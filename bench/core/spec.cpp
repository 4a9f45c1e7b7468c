#include "bench/core/spec.h"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace heapwise {
namespace {

[[noreturn]] void reject(std::string_view text, const std::string& why) {
  throw UsageError("cannot read '" + std::string(text) + "': " + why +
                   "; a spec is NAME[=PATH][:key=value[,key=value...]], "
                   "e.g. NAME:size=1M,window=1");
}

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '.';
  });
}

KeyValue parse_setting(std::string_view whole, std::string_view item) {
  const auto equals = item.find('=');
  if (equals == std::string_view::npos) {
    reject(whole, "'" + std::string(item) + "' has no '='");
  }
  const auto key = item.substr(0, equals);
  const auto value = item.substr(equals + 1);
  if (!is_word(key)) reject(whole, "'" + std::string(key) + "' is not a key");
  if (value.empty()) reject(whole, "'" + std::string(key) + "' has no value");
  return {std::string(key), std::string(value)};
}

std::vector<KeyValue> parse_settings(std::string_view whole, std::string_view list) {
  std::vector<KeyValue> settings;
  while (true) {
    const auto comma = list.find(',');
    settings.push_back(parse_setting(whole, list.substr(0, comma)));
    const auto same_key = [&](const KeyValue& s) { return s.key == settings.back().key; };
    if (std::count_if(settings.begin(), settings.end(), same_key) > 1) {
      reject(whole, "'" + settings.back().key + "' is given twice");
    }
    if (comma == std::string_view::npos) return settings;
    list.remove_prefix(comma + 1);
  }
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substitute = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substitute});
    }
  }
  return row.back();
}

}  // namespace

std::string Spec::text() const {
  std::string out = name;
  if (!path.empty()) out += "=" + path;
  char separator = ':';
  for (const auto& [key, value] : settings) {
    out += separator + key + "=" + value;
    separator = ',';
  }
  return out;
}

const std::string* Spec::find(std::string_view key) const {
  for (const auto& setting : settings) {
    if (setting.key == key) return &setting.value;
  }
  return nullptr;
}

Spec parse_spec(std::string_view text) {
  Spec spec;
  auto name_end = text.find_first_of("=:");
  spec.name = text.substr(0, name_end);
  if (!is_word(spec.name)) reject(text, "it does not begin with a name");
  if (name_end == std::string_view::npos) return spec;
  auto rest = text.substr(name_end);
  if (rest.front() == '=') {
    const auto colon = rest.find(':');
    spec.path = rest.substr(1, colon == std::string_view::npos ? colon : colon - 1);
    if (spec.path.empty()) reject(text, "the path after '=' is empty");
    if (colon == std::string_view::npos) return spec;
    rest.remove_prefix(colon);
  }
  spec.settings = parse_settings(text, rest.substr(1));
  return spec;
}

std::vector<Spec> parse_specs(std::string_view text) {
  std::vector<Spec> specs;
  constexpr std::string_view kSpace = " \t\n";
  for (auto begin = text.find_first_not_of(kSpace); begin != std::string_view::npos;
       begin = text.find_first_not_of(kSpace, begin)) {
    const auto end = std::min(text.find_first_of(kSpace, begin), text.size());
    specs.push_back(parse_spec(text.substr(begin, end - begin)));
    begin = end;
  }
  return specs;
}

std::string closest_match(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 2) + 1;
  for (const auto& candidate : candidates) {
    const auto distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const auto best = closest_match(word, candidates);
  return best.empty() ? std::string() : " (did you mean '" + best + "'?)";
}

}  // namespace heapwise
