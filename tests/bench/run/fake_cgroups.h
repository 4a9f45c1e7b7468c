// A kernel with one cgroup file system, for tests: the files it would put into a folder, and what
// it would refuse.
#pragma once

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>

#include "bench/run/cgroup_files.h"
#include "bench/run/cgroup_location.h"

namespace heapwise {

class FakeCgroups : public CgroupFiles {
 public:
  /// This process is in `path`; so are `strangers`, other processes. On v2 the group has the
  /// controllers that `controllers` names.
  FakeCgroups(CgroupVersion version, const std::string& path, unsigned strangers = 0,
              const std::string& controllers = "cpu memory pids")
      : version_(version), own_(kMount + (path == "/" ? "" : path)) {
    const bool is_v1 = version == CgroupVersion::kV1;
    files_["/proc/self/cgroup"] = (is_v1 ? "4:memory:" : "0::") + path + "\n";
    files_["/proc/self/mountinfo"] = "31 23 0:28 / " + std::string(kMount) + " rw - " +
                                     (is_v1 ? "cgroup cgroup rw,memory" : "cgroup2 cgroup2 rw") +
                                     "\n";
    add_folder(own_, controllers);
    processes_ = {{own_, 1 + strangers}};
    is_root_ = path == "/";
  }

  std::optional<std::string> read(const std::string& path) const override {
    const auto found = files_.find(path);
    return found == files_.end() ? std::nullopt : std::optional(found->second);
  }

  int write(const std::string& path, const std::string& text) override {
    const auto found = files_.find(path);
    if (found == files_.end()) return ENOENT;
    const auto folder = path.substr(0, path.rfind('/'));
    const auto name = path.substr(path.rfind('/') + 1);
    if (name == "cgroup.procs") return move_into(folder);
    if (name == "cgroup.subtree_control") return hand_down(folder, text);
    if (refuses_limit != 0) return refuses_limit;
    found->second = text;
    return 0;
  }

  int make_folder(const std::string& path) override {
    if (refuses_folders != 0) return refuses_folders;
    if (has_folder(path)) return EEXIST;
    add_folder(path, files_[path.substr(0, path.rfind('/')) + "/cgroup.subtree_control"]);
    return 0;
  }

  int remove_folder(const std::string& path) override {
    if (processes_[path] > 0) return EBUSY;
    if (busy_removals > 0) {
      --busy_removals;
      return EBUSY;
    }
    std::erase_if(files_, [&](const auto& file) { return file.first.starts_with(path + "/"); });
    return 0;
  }

  bool has_folder(const std::string& path) const { return files_.contains(path + "/cgroup.procs"); }
  std::size_t folders_count() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        files_, [](const auto& file) { return file.first.ends_with("/cgroup.procs"); }));
  }
  const std::string& own() const { return own_; }
  /// The folder that this process is in.
  const std::string& place() const { return place_.empty() ? own_ : place_; }
  void set(const std::string& path, const std::string& text) { files_[path] = text; }
  void forget(const std::string& path) { files_.erase(path); }

  int refuses_folders = 0;     // an errno
  int refuses_limit = 0;       // an errno
  unsigned busy_removals = 0;  // removals to come that find something which still ends

 private:
  static constexpr const char* kMount = "/sys/fs/cgroup";

  void add_folder(const std::string& path, const std::string& controllers) {
    const auto add = [&](const char* name, const char* text) { files_[path + "/" + name] = text; };
    add("cgroup.procs", "");
    if (version_ == CgroupVersion::kV1) {
      add("memory.limit_in_bytes", "9223372036854771712\n");
      add("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
      add("memory.failcnt", "0\n");
      add("memory.max_usage_in_bytes", "0\n");
      return;
    }
    files_[path + "/cgroup.controllers"] = controllers;
    add("cgroup.subtree_control", "");
    if (controllers.find("memory") == std::string::npos) return;
    add("memory.max", "max\n");
    add("memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n");
    add("memory.peak", "0\n");
  }

  /// A v2 group that hands controllers down has no processes, but for the root of all.
  int move_into(const std::string& folder) {
    const auto control = files_.find(folder + "/cgroup.subtree_control");
    const bool hands_down = control != files_.end() && !control->second.empty();
    if (hands_down && !(is_root_ && folder == own_)) return EBUSY;
    --processes_[place()];
    ++processes_[folder];
    place_ = folder;
    return 0;
  }

  int hand_down(const std::string& folder, const std::string& text) {
    if (text == "+memory" && processes_[folder] > 0 && !(is_root_ && folder == own_)) return EBUSY;
    files_[folder + "/cgroup.subtree_control"] = text == "+memory" ? "memory\n" : "";
    return 0;
  }

  CgroupVersion version_;
  std::string own_;
  std::string place_;
  bool is_root_ = false;
  std::map<std::string, std::string> files_;
  std::map<std::string, unsigned> processes_;  // by folder
};

}  // namespace heapwise
