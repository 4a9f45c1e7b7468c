// More memory than the process's memory cgroup allows: what the kernel does with pages that have no
// place on disk, and with pages that have one.
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "bench/experiment/experiment.h"
#include "bench/experiment/kernel_view.h"

namespace heapwise {
namespace {

constexpr const char* kDirectory = "/var/tmp";  // /tmp is often in memory itself
constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;
constexpr std::int64_t kDefaultMebibytes = 24;
constexpr std::int64_t kBlockBytes = 512;  // of ru_inblock, whatever the disk has

/// A file that has no name and so is gone when the process is.
int open_nameless_file(Report& report) {
  struct statfs system = {};
  if (statfs(kDirectory, &system) != 0) report.refuse(kDirectory);
  if (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC) {
    report.refuse("a file on disk", "/var/tmp is itself in memory here");
  }
  int file = open(kDirectory, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file >= 0) return file;
  char name[] = "/var/tmp/heapwise-XXXXXX";
  file = mkostemp(name, O_CLOEXEC);
  if (file < 0) report.refuse("a file in /var/tmp");
  unlink(name);
  return file;
}

/// Writes to each page its number. What has been written goes to disk piece by piece, so that there
/// never are many dirty pages: those would have to wait for the disk when memory is short.
void fill(Report& report, char* memory, std::int64_t size_bytes) {
  const std::int64_t page_bytes = getpagesize();
  for (std::int64_t done = 0; done < size_bytes; done += kMebibyte) {
    for (std::int64_t at = done; at < done + kMebibyte; at += page_bytes) {
      *reinterpret_cast<std::int64_t*>(memory + at) = at;
    }
    if (msync(memory + done, static_cast<std::size_t>(kMebibyte), MS_SYNC) != 0)
      report.refuse("msync");
  }
}

/// How many pages do not hold their number.
std::int64_t count_differences(const char* memory, std::int64_t size_bytes) {
  std::int64_t count = 0;
  for (std::int64_t at = 0; at < size_bytes; at += getpagesize()) {
    count += *reinterpret_cast<const std::int64_t*>(memory + at) != at ? 1 : 0;
  }
  return count;
}

std::int64_t read_from_disk_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_inblock * kBlockBytes;
}

/// Of this process; 0 as well where the kernel has no swap at all.
std::int64_t swapped_bytes() {
  const char* const kibibytes = behind_key("/proc/self/status", "VmSwap:");
  return kibibytes != nullptr ? strtoll(kibibytes, nullptr, 10) << 10 : 0;
}

}  // namespace

/// Argument: MiB (24). Writes to anonymous memory, page by page. Tells after each eighth:
/// written_bytes; at the end, if it comes to that: swapped_bytes.
void anonymous_overrun(Report& report, const Arguments& arguments) {
  const std::int64_t size_bytes = arguments.number(0, kDefaultMebibytes) * kMebibyte;
  void* const memory = mmap(nullptr, static_cast<std::size_t>(size_bytes), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) report.refuse("mmap");
  report.value("size_bytes", size_bytes);
  report.value("written_bytes", 0);
  report.step("mmap of more than the cgroup allows", memory);
  auto* const bytes = static_cast<volatile char*>(memory);
  for (std::int64_t at = 0; at < size_bytes; at += getpagesize()) {
    bytes[at] = 1;
    if ((at + getpagesize()) % (size_bytes / 8) != 0) continue;
    report.value("written_bytes", at + getpagesize());
    report.step("a write to each page of one more eighth", memory);
  }
  report.value("swapped_bytes", swapped_bytes());
}

/// Argument: MiB (24). Writes to a mapped file and reads all of it again. Tells: size_bytes,
/// read_back_bytes (from disk, by the second pass), major_faults_count of that, and
/// differences_count, the pages that came back with other contents.
void file_overrun(Report& report, const Arguments& arguments) {
  const std::int64_t size_bytes = arguments.number(0, kDefaultMebibytes) * kMebibyte;
  const int file = open_nameless_file(report);
  if (ftruncate(file, size_bytes) != 0) report.refuse("ftruncate");
  void* const memory = mmap(nullptr, static_cast<std::size_t>(size_bytes), PROT_READ | PROT_WRITE,
                            MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) report.refuse("mmap of a file");
  madvise(memory, static_cast<std::size_t>(size_bytes),
          MADV_RANDOM);  // one page a fault, none in advance
  report.step("mmap of a file larger than the cgroup allows", memory);
  fill(report, static_cast<char*>(memory), size_bytes);
  const ProcessState filled = report.step("a write to each page, and msync", memory);
  const std::int64_t read_before = read_from_disk_bytes();
  report.value("differences_count", count_differences(static_cast<char*>(memory), size_bytes));
  const ProcessState read_again = report.step("a read of each page", memory);
  report.value("size_bytes", size_bytes);
  report.value("read_back_bytes", read_from_disk_bytes() - read_before);
  report.value("major_faults_count", read_again.major_faults_count - filled.major_faults_count);
}

}  // namespace heapwise
