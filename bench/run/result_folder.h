// A result folder, held by one process at a time: manifest.json, runs.jsonl, and later what the
// Python package makes of them.
#pragma once

#include <string>

#include "bench/run/file_descriptor.h"
#include "bench/run/json.h"

namespace heapwise {

class ResultFolder {
 public:
  /// Makes the folder and those above it. Throws RunError when it cannot be written, another
  /// process holds it, or there is a campaign in it already.
  static ResultFolder create(const std::string& path);

  /// Takes hold of a folder with a campaign. Throws RunError when there is none or it is held.
  static ResultFolder resume(const std::string& path);

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

  /// Whole or not at all: written beside, synced, renamed.
  void write_manifest(const Json& manifest) const;
  Json read_manifest() const;

 private:
  explicit ResultFolder(std::string path);

  std::string path_;  // absolute
  FileDescriptor lock_;
};

/// results/20260102T030405Z-KIND-PROFILE under the current directory.
std::string default_result_folder(const std::string& kind, const std::string& profile);

}  // namespace heapwise
