// The allocators of the descriptors as parameters of a test; those that are not installed are
// skipped with the reason.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "allocators/allocator.h"

namespace heapwise {

inline std::vector<std::string> allocators_to_test() {
  std::vector<std::string> names;
  for (const auto& descriptor : all_descriptors()) {
    if (!descriptor.harness_own) names.emplace_back(descriptor.name);
  }
  return names;
}

class InstalledAllocator : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const ResolvedAllocator allocator =
        resolve_allocator(parse_spec(GetParam()), HEAPWISE_PARTS_DIRECTORY);
    if (!allocator.missing.empty()) GTEST_SKIP() << allocator.missing;
    library_path_ = allocator.library_path;
    build_id_ = allocator.build_id;
  }

  const std::string& library_path() const { return library_path_; }
  const std::string& build_id() const { return build_id_; }

 private:
  std::string library_path_;
  std::string build_id_;
};

inline std::string name_of_parameter(const testing::TestParamInfo<std::string>& parameter) {
  return parameter.param;
}

}  // namespace heapwise
