#include "bench/probe/memory_sampler.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>

namespace heapwise {
namespace {

constexpr std::size_t kBufferBytes = 8192;
using Buffer = std::array<char, kBufferBytes>;

std::string_view read_at_start(int descriptor, Buffer& buffer) {
  const ssize_t length = pread(descriptor, buffer.data(), buffer.size(), 0);
  return length <= 0 ? std::string_view{}
                     : std::string_view{buffer.data(), static_cast<std::size_t>(length)};
}

std::string_view read_file(const char* path, Buffer& buffer) {
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return {};
  const auto text = read_at_start(descriptor, buffer);
  close(descriptor);
  return text;
}

std::uint64_t leading_number(std::string_view text) {
  const auto digits = text.find_first_of("0123456789");
  if (digits == std::string_view::npos) return 0;
  std::uint64_t value = 0;
  std::from_chars(text.data() + digits, text.data() + text.size(), value);
  return value;
}

/// The figure of a line such as "VmHWM:	    1234 kB".
Bytes kilobytes_of(std::string_view text, std::string_view field) {
  const auto at = text.find(field);
  if (at == std::string_view::npos) return {};
  return {leading_number(text.substr(at + field.size())) * kKiB.value};
}

}  // namespace

MemorySampler::MemorySampler() : statm_(open("/proc/self/statm", O_RDONLY | O_CLOEXEC)) {}

MemorySampler::~MemorySampler() {
  if (statm_ >= 0) close(statm_);
}

MemorySample MemorySampler::sample() const {
  static const auto page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  std::array<char, 128> buffer;
  const ssize_t length = pread(statm_, buffer.data(), buffer.size(), 0);
  if (length <= 0) return {};
  const std::string_view text(buffer.data(), static_cast<std::size_t>(length));
  const auto space = text.find(' ');
  return {.rss = {leading_number(text.substr(space)) * page_bytes},
          .vsz = {leading_number(text) * page_bytes}};
}

MemoryPeaks read_memory_peaks() {
  Buffer buffer;
  const auto status = read_file("/proc/self/status", buffer);
  return {.rss = kilobytes_of(status, "VmHWM:"), .vsz = kilobytes_of(status, "VmPeak:")};
}

Bytes read_anon_huge_bytes() {
  Buffer buffer;
  return kilobytes_of(read_file("/proc/self/smaps_rollup", buffer), "AnonHugePages:");
}

bool reset_peak_rss() {
  const int descriptor = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool written = write(descriptor, "5", 1) == 1;
  close(descriptor);
  return written;
}

}  // namespace heapwise
