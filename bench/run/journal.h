// runs.jsonl: one record a line, never changed once written. A record is one write(2) and one
// fsync(2), so that whatever ends the process leaves whole lines and at most one torn one.
#pragma once

#include <string>
#include <vector>

#include "bench/run/file_descriptor.h"
#include "bench/run/json.h"

namespace heapwise {

class Journal {
 public:
  /// Creates the file or goes on with it; a torn last line is cut off. Throws RunError when the
  /// file cannot be opened or a line before the last is damaged.
  explicit Journal(const std::string& path);

  /// The records that were in the file when it was opened.
  const std::vector<Json>& earlier_records() const { return earlier_records_; }
  /// Bytes of a torn last line that were cut off.
  std::size_t dropped_bytes() const { return dropped_bytes_; }

  /// On disk when it returns. Throws RunError when it cannot be, and leaves the file as it was.
  void append(const Json& record);

 private:
  void read_earlier();

  std::string path_;
  FileDescriptor file_;
  std::vector<Json> earlier_records_;
  std::size_t dropped_bytes_ = 0;
};

}  // namespace heapwise
