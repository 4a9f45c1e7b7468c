// What the kernel tells of one process under /proc. Nothing here stops the process. It may end at
// any moment: then everything is an error.
#pragma once

#include <sys/types.h>

#include <string>

namespace heapwise {

/// A file's text, or why it could not be read.
struct FileText {
  std::string text;
  int error =
      0;  // an errno: ENOENT and ESRCH where the process has ended, EACCES where it is hidden
};

class ProcessFiles {
 public:
  /// `root` stands for /proc in tests.
  explicit ProcessFiles(pid_t process, std::string root = "/proc");

  pid_t process() const { return process_; }

  /// Of /proc/PID/NAME. What was read before an error is dropped.
  FileText read(const std::string& name) const;

  /// Where the link /proc/PID/NAME leads; empty when that may not be known.
  std::string link(const std::string& name) const;

  /// "/proc/PID/NAME": for files that are opened by others.
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

 private:
  pid_t process_;
  std::string folder_;
};

}  // namespace heapwise
