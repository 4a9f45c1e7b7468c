#include "bench/run/document.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "bench/run/file_descriptor.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

void write_whole(const std::string& path, const std::string& text) {
  errno = 0;
  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  const bool written =
      file.is_open() &&
      write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      fsync(file.get()) == 0;
  if (written) return;
  const int error = file.is_open() && errno == 0 ? ENOSPC : errno;
  throw RunError(
      fmt::format("cannot write '{}': {}; free some space or choose another folder with "
                  "--out",
                  path, std::strerror(error)));
}

}  // namespace

void make_document_folder(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error || !fs::is_directory(folder)) {
    throw RunError(fmt::format("cannot make the folder '{}': {}; choose another with --out", folder,
                               error ? error.message() : "it is a file"));
  }
}

void write_document(const std::string& folder, const std::string& name, const Json& document) {
  constexpr int kIndent = 2;
  make_document_folder(folder);
  const auto path = fs::path(folder) / name;
  const auto beside = path.string() + ".new";
  write_whole(beside, document.dump(kIndent, ' ', false, Json::error_handler_t::replace) + "\n");
  fs::rename(beside, path);
}

}  // namespace heapwise
