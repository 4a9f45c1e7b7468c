#include "bench/inspect/process_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "bench/run/file_descriptor.h"

namespace heapwise {

ProcessFiles::ProcessFiles(pid_t process, std::string root)
    : process_(process), folder_(std::move(root) + "/" + std::to_string(process)) {}

FileText ProcessFiles::read(const std::string& name) const {
  const FileDescriptor file(open(path(name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return {{}, errno};
  FileText result;
  std::array<char, std::size_t{64} << 10> piece;
  ssize_t length = 0;
  while ((length = ::read(file.get(), piece.data(), piece.size())) > 0) {
    result.text.append(piece.data(), static_cast<std::size_t>(length));
  }
  if (length < 0) return {{}, errno};
  return result;
}

std::string ProcessFiles::link(const std::string& name) const {
  std::array<char, 4096> target{};
  const auto length = readlink(path(name).c_str(), target.data(), target.size());
  return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : std::string();
}

}  // namespace heapwise
