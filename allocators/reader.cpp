#include "allocators/reader.h"

#include <malloc.h>

#include <array>
#include <charconv>
#include <cstddef>

#include "allocators/loaded_function.h"

namespace heapwise {
namespace {

ReadValue integer(std::int64_t value) {
  return {.kind = ReadValue::Kind::kInteger, .integer = value};
}
ReadValue real(double value) {
  return {.kind = ReadValue::Kind::kReal, .real = value};
}
ReadValue text(const char* value) {
  if (value == nullptr) return {};
  return {.kind = ReadValue::Kind::kText, .text = value};
}

template <class T>
std::int64_t whole(const void* raw) {
  return static_cast<std::int64_t>(*static_cast<const T*>(raw));
}

ReadValue decode(ValueType type, const void* raw) {
  switch (type) {
    case ValueType::kBool:
      return integer(*static_cast<const bool*>(raw) ? 1 : 0);
    case ValueType::kInt:
      return integer(whole<int>(raw));
    case ValueType::kUnsigned:
      return integer(whole<unsigned>(raw));
    case ValueType::kSize:
      return integer(whole<std::size_t>(raw));
    case ValueType::kSigned:
      return integer(whole<std::ptrdiff_t>(raw));
    case ValueType::kReal:
      return real(*static_cast<const double*>(raw));
    case ValueType::kString:
      return text(*static_cast<const char* const*>(raw));
  }
  return {};
}

std::size_t size_of(ValueType type) {
  switch (type) {
    case ValueType::kBool:
      return sizeof(bool);
    case ValueType::kInt:
    case ValueType::kUnsigned:
      return sizeof(int);
    case ValueType::kReal:
      return sizeof(double);
    case ValueType::kSize:
    case ValueType::kSigned:
    case ValueType::kString:
      break;
  }
  return sizeof(void*);
}

ReadValue read_mallctl(const Reader& reader) {
  auto* mallctl = find_loaded<Mallctl>("mallctl");
  if (mallctl == nullptr) return {};
  if (reader.name.starts_with("stats.")) {  // statistics are a snapshot, renewed by a new epoch
    std::uint64_t epoch = 1;
    std::size_t epoch_bytes = sizeof epoch;
    mallctl("epoch", &epoch, &epoch_bytes, &epoch, epoch_bytes);
  }
  alignas(std::max_align_t) std::array<char, 16> raw{};
  std::size_t bytes = size_of(reader.type);
  if (mallctl(reader.name.data(), raw.data(), &bytes, nullptr, 0) != 0) return {};
  return bytes == size_of(reader.type) ? decode(reader.type, raw.data()) : ReadValue{};
}

ReadValue read_numeric_property(const Reader& reader) {
  auto* get = find_loaded<int(const char*, std::size_t*)>("MallocExtension_GetNumericProperty");
  std::size_t value = 0;
  if (get == nullptr || get(reader.name.data(), &value) == 0) return {};
  return integer(static_cast<std::int64_t>(value));
}

using Mallinfo = struct mallinfo2;  // the function has the same name

ReadValue read_mallinfo(std::string_view field) {
  struct Field {
    std::string_view name;
    std::size_t Mallinfo::*member;
  };
  static constexpr std::array<Field, 9> kFields{{
      {"arena", &Mallinfo::arena},
      {"ordblks", &Mallinfo::ordblks},
      {"smblks", &Mallinfo::smblks},
      {"hblks", &Mallinfo::hblks},
      {"hblkhd", &Mallinfo::hblkhd},
      {"fsmblks", &Mallinfo::fsmblks},
      {"uordblks", &Mallinfo::uordblks},
      {"fordblks", &Mallinfo::fordblks},
      {"keepcost", &Mallinfo::keepcost},
  }};
  auto* read = find_loaded<Mallinfo()>("mallinfo2");
  if (read == nullptr) return {};
  for (const auto& [name, member] : kFields) {
    if (name == field) return integer(static_cast<std::int64_t>(read().*member));
  }
  return {};
}

/// Whether an index that holds for one version alone may be used with the one that is loaded.
bool is_known_version(const Reader& reader) {
  if (reader.only_version.empty()) return true;
  auto* version = find_loaded<int()>("mi_version");
  if (version == nullptr) return false;
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), version()).ptr;
  return reader.only_version == std::string_view(digits.data(), end);
}

}  // namespace

ReadValue read_value(const Reader& reader) {
  switch (reader.kind) {
    case ReaderKind::kStringFunction: {
      // gperftools' tc_version takes three addresses it may leave alone; the others ignore them
      auto* read = find_loaded<const char*(void*, void*, void*)>(reader.name);
      return read == nullptr ? ReadValue{} : text(read(nullptr, nullptr, nullptr));
    }
    case ReaderKind::kIntegerFunction: {
      auto* read = find_loaded<int()>(reader.name);
      return read == nullptr ? ReadValue{} : integer(read());
    }
    case ReaderKind::kIndexedFunction: {
      auto* read = find_loaded<long(int)>(reader.name);
      if (read == nullptr || !is_known_version(reader)) return {};
      return integer(read(reader.index));
    }
    case ReaderKind::kKeyedFunction: {
      auto* read = find_loaded<long long(const char*)>(reader.name);
      return read == nullptr ? ReadValue{} : integer(read(reader.argument.data()));
    }
    case ReaderKind::kMallctl:
      return read_mallctl(reader);
    case ReaderKind::kNumericProperty:
      return read_numeric_property(reader);
    case ReaderKind::kFlagSymbol: {
      const void* variable = dlsym(RTLD_DEFAULT, reader.name.data());
      return variable == nullptr ? ReadValue{} : decode(reader.type, variable);
    }
    case ReaderKind::kMallinfo:
      return read_mallinfo(reader.name);
    case ReaderKind::kNone:
    case ReaderKind::kBehaviour:
      break;
  }
  return {};
}

std::string value_text(const ReadValue& value) {
  switch (value.kind) {
    case ReadValue::Kind::kNothing:
      return {};
    case ReadValue::Kind::kInteger:
      return std::to_string(value.integer);
    case ReadValue::Kind::kReal: {
      std::array<char, 32> digits{};
      const auto end = std::to_chars(digits.begin(), digits.end(), value.real).ptr;
      return {digits.data(), end};
    }
    case ReadValue::Kind::kText:
      return value.text;
  }
  return {};
}

std::string reader_source(const Reader& reader) {
  const std::string name(reader.name);
  switch (reader.kind) {
    case ReaderKind::kNone:
      return "none";
    case ReaderKind::kStringFunction:
    case ReaderKind::kIntegerFunction:
      return name + "()";
    case ReaderKind::kIndexedFunction:
      return name + "(" + std::to_string(reader.index) + ")";
    case ReaderKind::kKeyedFunction:
      return name + "(" + std::string(reader.argument) + ")";
    case ReaderKind::kMallctl:
      return "mallctl " + name;
    case ReaderKind::kNumericProperty:
      return "numeric property " + name;
    case ReaderKind::kFlagSymbol:
      return "symbol " + name;
    case ReaderKind::kMallinfo:
      return "mallinfo2 " + name;
    case ReaderKind::kBehaviour:
      return "behaviour: " + name;
  }
  return "none";
}

}  // namespace heapwise
