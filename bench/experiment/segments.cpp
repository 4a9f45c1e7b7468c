// What of a program's own file is in memory: its code, its constants and its variables, and who may
// write what.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/experiment/experiment.h"
#include "bench/experiment/mappings.h"
#include "bench/experiment/trial.h"

// Set by the linker, see end(3): the end of the initialised variables, and of all.
extern "C" char edata;
extern "C" char end;

// A constant that has no name for the compiler, and so no place of its own.
#define UNSTORED_NUMBER 0x5ea5'1de5'0b5e'55edULL

namespace heapwise {

extern const std::uint64_t kStoredNumber;  // else it would have no storage either
__attribute__((used)) const std::uint64_t kStoredNumber = 0x7e57'ab1e'c0de'd00dULL;

namespace {

constexpr std::size_t kZeroedPages = 64;
constexpr std::size_t kSmallestPageBytes = 4096;

const char* const kLiteral = "a literal";
int initialised = 1;
char zeroed[kZeroedPages * kSmallestPageBytes];

/// What a function that uses the number makes of it; without a way for the compiler to keep it
/// elsewhere.
std::uint64_t unstored_number() {
  volatile std::uint64_t number = UNSTORED_NUMBER;
  return number;
}

std::int64_t count_in(const Mapping& mapping, std::uint64_t number) {
  std::int64_t count = 0;
  const char* at = reinterpret_cast<const char*>(mapping.begin);
  const char* const past = reinterpret_cast<const char*>(mapping.end);
  while ((at = static_cast<const char*>(memmem(at, static_cast<std::size_t>(past - at), &number,
                                               sizeof number))) != nullptr) {
    ++count;
    ++at;
  }
  return count;
}

/// How often the number's bytes are in the mappings of this program's file with exactly these
/// rights.
std::int64_t count_in_program(const char* rights, std::uint64_t number) {
  const Mapping code = mapping_of(reinterpret_cast<const void*>(&count_in));
  Mappings mappings;
  Mapping mapping;
  std::int64_t count = 0;
  while (mappings.next(mapping)) {
    if (strcmp(mapping.name, code.name) != 0 || strcmp(mapping.rights, rights) != 0) continue;
    count += count_in(mapping, number);
  }
  return count;
}

std::int64_t count_nonzero(const volatile char* bytes, std::size_t size) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < size; ++i) count += bytes[i] != 0 ? 1 : 0;
  return count;
}

void tell_write(Report& report, const char* name, const char* label, const void* address) {
  report.value(name, signal_of_write(report, address));
  report.step(label, address);
}

}  // namespace

/// Tells: text_rights, literal_rights and stored_rights (of the mappings, such as r-xp), the signal
/// that a write to each costs (…_write_signal; variable_write_signal for comparison), and how often
/// two numbers are in the program's constants: stored_count of a const object, unstored_count of a
/// #define; and in its code: unstored_in_code_count.
void read_only_memory(Report& report, const Arguments&) {
  const auto* const text = reinterpret_cast<const void*>(&read_only_memory);
  report.step("at the start");
  report.text("text_rights", mapping_of(text).rights);
  report.text("literal_rights", mapping_of(kLiteral).rights);
  report.text("stored_rights", mapping_of(&kStoredNumber).rights);
  tell_write(report, "variable_write_signal", "a fork has written a variable", &initialised);
  tell_write(report, "text_write_signal", "a fork has written a function's code", text);
  tell_write(report, "literal_write_signal", "a fork has written a string literal", kLiteral);
  tell_write(report, "stored_write_signal", "a fork has written a const object", &kStoredNumber);
  report.value("stored_count", count_in_program("r--p", kStoredNumber));
  report.value("unstored_count", count_in_program("r--p", unstored_number()));
  report.value("unstored_in_code_count", count_in_program("r-xp", unstored_number()));
  report.step("the program's constants searched for two numbers");
}

/// Tells the rights of the mappings of a global (global_rights), a static (static_rights), a const
/// (const_rights) and of variables without a value (zeroed_rights); global_is_inside,
/// static_is_inside, zeroed_is_inside: in the data segment, as the linker has it;
/// zeroed_nonzero_count, and the faults and growth of RSS by a write to each page of
/// zeroed_pages_count.
void data_segment(Report& report, const Arguments&) {
  static int local_static = 1;
  report.step("a global variable", &initialised);
  report.text("global_rights", mapping_of(&initialised).rights);
  report.value("global_is_inside", reinterpret_cast<char*>(&initialised) < &edata ? 1 : 0);
  report.step("a static variable", &local_static);
  report.text("static_rights", mapping_of(&local_static).rights);
  report.value("static_is_inside", reinterpret_cast<char*>(&local_static) < &edata ? 1 : 0);
  report.step("a const object", &kStoredNumber);
  report.text("const_rights", mapping_of(&kStoredNumber).rights);
  report.value("const_write_signal", signal_of_write(report, &kStoredNumber));
  report.text("zeroed_rights", mapping_of(zeroed).rights);
  report.value("zeroed_is_inside", zeroed >= &edata && zeroed < &end ? 1 : 0);
  const ProcessState before = report.step("variables without a value (bss)", zeroed);
  report.value("zeroed_nonzero_count", count_nonzero(zeroed, sizeof zeroed));
  memset(zeroed, 1, sizeof zeroed);
  const ProcessState after = report.step("a read of each byte of them, then a write", zeroed);
  report.value("zeroed_bytes", sizeof zeroed);
  report.value("zeroed_rss_bytes", after.rss_bytes - before.rss_bytes);
  report.value("local_static", local_static);  // keeps it a variable
}

}  // namespace heapwise
