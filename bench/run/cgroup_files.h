// What is done to cgroup file systems and read of /proc; the tests bring a kernel of their own.
#pragma once

#include <optional>
#include <string>

namespace heapwise {

class CgroupFiles {
 public:
  virtual ~CgroupFiles() = default;

  /// The whole file, or nothing where it cannot be read.
  virtual std::optional<std::string> read(const std::string& path) const = 0;

  // Each gives 0 or an errno.

  /// Hands the text over in one write; never makes a file.
  virtual int write(const std::string& path, const std::string& text) = 0;
  virtual int make_folder(const std::string& path) = 0;
  virtual int remove_folder(const std::string& path) = 0;
};

class SystemCgroupFiles : public CgroupFiles {
 public:
  /// `root` stands before every path; empty: this machine's own.
  explicit SystemCgroupFiles(std::string root = {}) : root_(std::move(root)) {}

  std::optional<std::string> read(const std::string& path) const override;
  int write(const std::string& path, const std::string& text) override;
  int make_folder(const std::string& path) override;
  int remove_folder(const std::string& path) override;

 private:
  std::string root_;
};

/// A cgroup of a name of its own, PARENT/heapwise-PID-N, that goes with its owner. What still ends
/// in it is waited for, 2 s at most; an empty group stays behind where that does not help, or where
/// the owner is killed.
class CgroupFolder {
 public:
  /// `files` must outlive it. Throws RunError with the reason where it cannot be made.
  CgroupFolder(CgroupFiles& files, const std::string& parent);
  ~CgroupFolder();
  CgroupFolder(const CgroupFolder&) = delete;
  CgroupFolder& operator=(const CgroupFolder&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  CgroupFiles& files_;
  std::string path_;
};

}  // namespace heapwise
