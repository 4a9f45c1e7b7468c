#include "bench/run/journal.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "bench/run/run_error.h"

namespace heapwise {
namespace {

bool is_regular_file(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

[[noreturn]] void fail_to_append(const std::string& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  throw RunError(std::string(full ? "the disk is full: " : "") + "cannot add a record to '" + path +
                 "' (" + std::strerror(error) + "); everything measured before is kept there; " +
                 (full ? "free some space" : "repair the folder") + ", then go on with --resume");
}

/// The JSON of a line, or a discarded value.
Json parse_line(const std::string& line) {
  return Json::parse(line, nullptr, false);
}

}  // namespace

Journal::Journal(const std::string& path) : path_(path) {
  file_ = FileDescriptor(open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!file_.is_open()) {
    throw RunError("cannot open '" + path + "' for writing: " + std::strerror(errno) +
                   "; choose another folder with --out");
  }
  if (is_regular_file(file_.get())) read_earlier();
}

void Journal::read_earlier() {
  std::ifstream stream(path_, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  std::size_t good = 0;
  for (std::size_t begin = 0, number = 1; begin < text.size(); ++number) {
    const auto end = text.find('\n', begin);
    if (end == std::string::npos) break;
    auto record = parse_line(text.substr(begin, end - begin));
    const bool last = end + 1 == text.size();
    if (!record.is_object()) {
      if (last) break;
      throw RunError("line " + std::to_string(number) + " of '" + path_ +
                     "' is not a record; the file was changed by something else: take the line out "
                     "or start a new campaign");
    }
    earlier_records_.push_back(std::move(record));
    begin = good = end + 1;
  }
  dropped_bytes_ = text.size() - good;
  if (dropped_bytes_ > 0 && ftruncate(file_.get(), static_cast<off_t>(good)) != 0) {
    throw RunError("cannot cut the torn last line off '" + path_ + "': " + std::strerror(errno));
  }
}

void Journal::append(const Json& record) {
  const auto line = record.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  struct stat before {};
  if (fstat(file_.get(), &before) != 0) fail_to_append(path_, errno);
  ssize_t written = 0;
  do {
    written = write(file_.get(), line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  const bool whole = written == static_cast<ssize_t>(line.size());
  if (whole && (fsync(file_.get()) == 0 || errno == EINVAL)) return;  // EINVAL: not a file on disk
  const int error = whole || written < 0 ? errno : ENOSPC;
  if (ftruncate(file_.get(), before.st_size) != 0 && is_regular_file(file_.get())) {
    throw RunError("cannot take back half a record from '" + path_ + "': " + std::strerror(errno) +
                   "; --resume will cut it off");
  }
  fail_to_append(path_, error);
}

}  // namespace heapwise
