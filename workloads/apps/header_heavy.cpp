// A source whose cost is its headers and templates, as in most C++ programs.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <random>
#include <regex>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

using Value = std::variant<int, double, std::string, std::vector<std::string>>;

std::map<std::string, Value> parse(const std::string& text) {
  static const std::regex pattern(R"((\w+)\s*=\s*("[^"]*"|[\d.]+))");
  std::map<std::string, Value> values;
  for (auto it = std::sregex_iterator(text.begin(), text.end(), pattern);
       it != std::sregex_iterator(); ++it) {
    values[(*it)[1]] = std::string((*it)[2]);
  }
  return values;
}

int main() {
  auto work = std::async(std::launch::async, [] { return parse("a=1 b=\"two\" c=3.5").size(); });
  std::unordered_map<std::string, std::function<std::size_t()>> actions;
  actions["parse"] = [&] { return work.get(); };
  std::cout << actions.at("parse")() << '\n';
}
