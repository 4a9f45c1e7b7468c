// dpkg's database as files: a made-up one, so that every machine can test it.
#include "allocators/package_database.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace heapwise {
namespace {

namespace fs = std::filesystem;

class PackageDatabase : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / ("heapwise_dpkg_" + std::to_string(getpid()));
    fs::create_directories(root_ / "info");
    std::ofstream(root_ / "info" / "libother.list") << "/.\n/usr/lib/libother.so.1\n";
    std::ofstream(root_ / "info" / "libfast:amd64.list") << "/.\n/lib/x/libfast.so.10\n";
    std::ofstream(root_ / "info" / "libfast:i386.list") << "/.\n/lib/i/libfast.so.1\n";
    std::ofstream(root_ / "status")
        << "Package: libfast\nArchitecture: i386\nVersion: 1.0-i386\n\n"
           "Package: libfast\nArchitecture: amd64\nDescription: Package: libother\nVersion: 1.2-3\n"
           "\nPackage: libother\nArchitecture: all\nVersion: 9\n";
  }
  void TearDown() override { fs::remove_all(root_); }
  Package find(const std::string& path, std::string_view expected, bool only = false) const {
    return find_package(path, expected, only, root_.string());
  }
  fs::path root_;
};

// Would catch: no version at all on systems where /lib is a link to /usr/lib.
TEST_F(PackageDatabase, FindsAFileUnderEitherSpellingOfAMergedPath) {
  EXPECT_EQ(find("/usr/lib/x/libfast.so.10", "").name, "libfast:amd64");
  EXPECT_EQ(find("/lib/libother.so.1", "").version, "9");
}

// Would catch: the 32-bit package's version reported for the 64-bit library.
TEST_F(PackageDatabase, TellsArchitecturesOfOnePackageApart) {
  EXPECT_EQ(find("/lib/x/libfast.so.10", "").version, "1.2-3");
  EXPECT_EQ(find("/lib/i/libfast.so.1", "").version, "1.0-i386");
}

// Would catch: libfast.so.1 found in the line of libfast.so.10.
TEST_F(PackageDatabase, ComparesWholeLines) {
  EXPECT_EQ(find("/lib/x/libfast.so.1", "").name, "");
  EXPECT_EQ(find("/usr/lib/libother.so", "").name, "");
}

// Would catch: the measured process reading every list of the machine.
TEST_F(PackageDatabase, LooksOnlyAtTheExpectedPackageWhenAskedTo) {
  EXPECT_EQ(find("/usr/lib/libother.so.1", "libother", true).version, "9");
  EXPECT_EQ(find("/usr/lib/libother.so.1", "libfast", true).name, "");
}

// Would catch: a crash on Fedora, or a home folder's library taken for a package's.
TEST_F(PackageDatabase, OwnsNothingWhereThereIsNoDatabase) {
  EXPECT_EQ(find_package("/usr/lib/libother.so.1", "libother", false, "/nonexistent").name, "");
  EXPECT_EQ(find("/home/me/libother.so.1", "libother").name, "");
}

}  // namespace
}  // namespace heapwise
