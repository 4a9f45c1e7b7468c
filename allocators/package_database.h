// Which Debian package a file belongs to, read from dpkg's own files: no process is started, and a
// machine without dpkg simply owns nothing.
#pragma once

#include <string>
#include <string_view>

namespace heapwise {

inline constexpr std::string_view kPackageDatabase = "/var/lib/dpkg";

struct Package {
  std::string name;  // as dpkg names its list, e.g. "libc6:amd64"; empty: no package owns the file
  std::string version;  // e.g. "2.36-9+deb12u10"
};

/// The package that owns `path` (absolute, links resolved). The lists of `expected` are looked at
/// first, which spares reading all of them; with `expected_only` nothing else is read. Paths under
/// /lib and /usr/lib are the same file on merged systems and both spellings are tried.
Package find_package(const std::string& path, std::string_view expected, bool expected_only = false,
                     const std::string& database = std::string(kPackageDatabase));

}  // namespace heapwise
