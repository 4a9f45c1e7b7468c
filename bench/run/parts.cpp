#include "bench/run/parts.h"

#include <filesystem>
#include <initializer_list>
#include <vector>

#include "bench/run/run_error.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

/// The first folder that holds `file`, or an error that lists them all.
fs::path folder_with(const std::string& file, const std::vector<fs::path>& folders) {
  std::string looked_in;
  for (const auto& folder : folders) {
    std::error_code ignored;
    if (fs::exists(folder / file, ignored)) return folder;
    looked_in += (looked_in.empty() ? "" : ", ") + folder.string();
  }
  throw RunError("cannot find '" + file + "', a part of heapwise (looked in " + looked_in +
                 "); build it with `make build` or install it again with `make install`");
}

}  // namespace

Parts find_parts() {
  return find_parts_of(fs::read_symlink("/proc/self/exe").string());
}

Parts find_parts_of(const std::string& executable) {
  const auto folder = fs::path(executable).parent_path();
  const auto prefix = folder.parent_path();
  const auto parts = folder_with("heapwise-launch", {folder, prefix / "lib" / "heapwise"});
  const auto scripts = folder_with("choose-python", {prefix / "share" / "heapwise" / "scripts",
                                                     prefix / "scripts", HEAPWISE_SOURCE_SCRIPTS});
  const auto share = scripts.parent_path();  // the source tree when it is not installed
  const auto apps = folder_with("README.md", {share / "apps", share / "workloads" / "apps"});
  return {.directory = parts.string(),
          .launcher = (parts / "heapwise-launch").string(),
          .worker = (parts / "heapwise-worker").string(),
          .experiment = (parts / "heapwise-experiment").string(),
          .counter = (parts / "libheapwise_count.so").string(),
          .injector = (parts / "libheapwise_inject.so").string(),
          .share = (parts / "libheapwise_share.so").string(),
          .witness = (parts / "libheapwise_witness.so").string(),
          .apps = apps.string(),
          .scripts = scripts.string()};
}

}  // namespace heapwise
