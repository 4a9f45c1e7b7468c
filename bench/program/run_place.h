// Where a run happens: folders that are its own and vanish with it, a port nobody uses, and the
// variables that tell the user's commands of both.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace heapwise {

/// Who may use a scratch folder: a server may give up being root.
enum class Access { kOthersMayLook, kOthersMayWrite };

/// An empty folder under TMPDIR, removed with its owner. Its path is short, so that a Unix socket's
/// name fits.
class ScratchFolder {
 public:
  /// Throws RunError when it cannot be made.
  explicit ScratchFolder(Access access = Access::kOthersMayLook);
  ~ScratchFolder();
  ScratchFolder(ScratchFolder&& other) noexcept;
  ScratchFolder& operator=(ScratchFolder&&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// A TCP port of the loopback interface that is free now, below the range that the system gives to
/// clients. Throws RunError when there is none.
std::uint16_t find_free_port();

struct RunPlace {
  std::string run_folder;
  std::string setup_folder;
  std::string app_folder;  // empty under `try`
  std::uint16_t port = 0;
};

/// HEAPWISE_RUN_DIR, HEAPWISE_SETUP_DIR, HEAPWISE_APP_DIR, HEAPWISE_PORT.
std::vector<std::string> variables_of(const RunPlace& place);

/// The environment with these entries in place of earlier ones of their names.
std::vector<std::string> with_entries(const std::vector<std::string>& environment,
                                      const std::vector<std::string>& entries);

/// This process's own environment.
std::vector<std::string> machine_environment();

}  // namespace heapwise
