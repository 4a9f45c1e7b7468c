// A source whose cost is its headers and templates, as in most C++ programs.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

using Value = std::variant<int, double, std::string, std::vector<std::string>>;

std::map<std::string, Value> parse(const std::string& text) {
  std::map<std::string, Value> values;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    values[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return values;
}

int main() {
  auto work = std::async(std::launch::async, [] { return parse("a=1 b=\"two\" c=3.5").size(); });
  std::unordered_map<std::string, std::function<std::size_t()>> actions;
  actions["parse"] = [&] { return work.get(); };
  std::cout << actions.at("parse")() << '\n';
}
