// The table of allocators as data: each test says which slip in it would go unnoticed otherwise.
#include "allocators/descriptor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace heapwise {
namespace {

// Would catch: two allocators under one name, of which only the first is ever found.
TEST(Descriptors, HaveUniqueNames) {
  std::set<std::string_view> names;
  for (const auto& descriptor : all_descriptors()) {
    EXPECT_TRUE(names.insert(descriptor.name).second) << descriptor.name;
    EXPECT_EQ(find_descriptor(descriptor.name), &descriptor);
  }
  EXPECT_EQ(find_descriptor(kAsLinked), nullptr);
}

// Would catch: the same library listed twice, so that one allocator is compared with itself.
TEST(Descriptors, ShareNoLibrary) {
  std::set<std::string_view> libraries;
  for (const auto& descriptor : all_descriptors()) {
    ASSERT_FALSE(descriptor.libraries.empty()) << descriptor.name;
    for (const auto library : descriptor.libraries) {
      EXPECT_TRUE(libraries.insert(library).second) << library;
    }
  }
}

// Would catch: an allocator that is missing and cannot say what to install.
TEST(Descriptors, NameAPackageOrAreBuiltHere) {
  for (const auto& descriptor : all_descriptors()) {
    EXPECT_NE(descriptor.package.empty(), !descriptor.in_parts_directory) << descriptor.name;
    EXPECT_FALSE(descriptor.summary.empty()) << descriptor.name;
  }
}

// Would catch: a key given twice in the table, of which the second can never be set.
TEST(Descriptors, HaveUniqueSettingKeys) {
  for (const auto& descriptor : all_descriptors()) {
    std::set<std::string_view> keys;
    for (const auto& setting : descriptor.settings) {
      EXPECT_TRUE(keys.insert(setting.key).second) << descriptor.name << " " << setting.key;
      EXPECT_EQ(descriptor.find_setting(setting.key), &setting);
    }
    EXPECT_EQ(descriptor.find_setting("no_such_key"), nullptr);
  }
}

// Would catch: a range that admits nothing, a text without choices, a setting without explanation.
TEST(Descriptors, HaveSettingsWithSaneRangesAndHelp) {
  for (const auto& descriptor : all_descriptors()) {
    for (const auto& setting : descriptor.settings) {
      const auto where = std::string(descriptor.name) + ":" + std::string(setting.key);
      EXPECT_LT(setting.minimum, setting.maximum) << where;
      EXPECT_EQ(setting.choices.empty(), setting.unit != Unit::kText) << where;
      EXPECT_FALSE(setting.help.empty()) << where;
      EXPECT_FALSE(setting.carrier.variable.empty()) << where;
      EXPECT_FALSE(unit_name(setting.unit).empty()) << where;
    }
  }
}

// Would catch: two settings of one allocator that overwrite each other in the environment.
TEST(Descriptors, CarryEverySettingInAPlaceOfItsOwn) {
  for (const auto& descriptor : all_descriptors()) {
    std::set<std::string> places;
    for (const auto& setting : descriptor.settings) {
      const auto& carrier = setting.carrier;
      const auto place = std::string(carrier.variable) + "/" + std::string(carrier.item);
      EXPECT_TRUE(places.insert(place).second) << place;
    }
  }
}

// Would catch: a setting of one run leaking into the next through a variable that is not scrubbed.
TEST(Descriptors, ScrubEveryVariableThatCarriesASetting) {
  const auto patterns = allocator_variables();
  for (const auto& descriptor : all_descriptors()) {
    for (const auto& setting : descriptor.settings) {
      EXPECT_TRUE(std::any_of(patterns.begin(), patterns.end(), [&](auto pattern) {
        return variable_matches(pattern, setting.carrier.variable);
      })) << setting.carrier.variable;
    }
  }
}

// Would catch: a reader that names nothing to read, and so never contradicts anything.
TEST(Descriptors, HaveReadersThatNameWhatTheyRead) {
  const auto check = [](const Reader& reader, std::string_view where) {
    EXPECT_EQ(reader.kind == ReaderKind::kNone, reader.name.empty()) << where;
    EXPECT_EQ(reader.kind == ReaderKind::kKeyedFunction, !reader.argument.empty()) << where;
  };
  for (const auto& descriptor : all_descriptors()) {
    check(descriptor.version, descriptor.name);
    for (const auto& setting : descriptor.settings) check(setting.reader, setting.key);
    for (const auto& [name, reader] : descriptor.statistics) {
      check(reader, name);
      EXPECT_TRUE(name.ends_with("_bytes") || name.ends_with("_count")) << name;
    }
    EXPECT_EQ(descriptor.ownership.kind == OwnershipKind::kNone, descriptor.ownership.name.empty());
  }
}

// Would catch: the harness's null allocator taking part in a campaign as if it were one.
TEST(Descriptors, MarkOnlyTheNullAllocatorAsTheHarnessOwn) {
  for (const auto& descriptor : all_descriptors()) {
    EXPECT_EQ(descriptor.harness_own, descriptor.name == "null") << descriptor.name;
  }
}

// Would catch: as_linked reporting no version because a versioned file name is not recognised, or
// the full library being taken for the minimal one.
TEST(DescriptorOfALibrary, KnowsLinksAndTheFilesBehindThem) {
  const auto name_of = [](std::string_view path) {
    const auto* descriptor = find_descriptor_of_library(path);
    return descriptor == nullptr ? std::string_view("none") : descriptor->name;
  };
  EXPECT_EQ(name_of("/usr/lib/libtcmalloc_minimal.so.4.5.10"), "tcmalloc");
  EXPECT_EQ(name_of("/usr/lib/libtcmalloc.so.4"), "tcmalloc_full");
  EXPECT_EQ(name_of("libc.so.6"), "glibc");
  EXPECT_EQ(name_of("/x/libclang_rt.scudo_standalone-x86_64.so"), "scudo");
  EXPECT_EQ(name_of("/x/libmine.so"), "none");
}

// Would catch: mimalloc's variables in lower case, which it reads too, getting through.
TEST(VariablePatterns, MatchWithoutRegardToCase) {
  EXPECT_TRUE(variable_matches("MIMALLOC_*", "mimalloc_verbose"));
  EXPECT_TRUE(variable_matches("LD_PRELOAD", "LD_PRELOAD"));
  EXPECT_FALSE(variable_matches("LD_PRELOAD", "LD_PRELOAD_OF_MINE"));
  EXPECT_FALSE(variable_matches("MALLOC_*", "MALLOC"));
  EXPECT_FALSE(variable_matches("MALLOC_*", "MY_MALLOC_ARENA"));
}

}  // namespace
}  // namespace heapwise
