#include "bench/run/journal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "bench/run/run_error.h"
#include "tests/bench/run/temporary_folder.h"

namespace heapwise {
namespace {

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

// Catches records that are lost or changed between two sittings.
TEST(Journal, WhatIsAppendedIsThereAfterReopening) {
  const TemporaryFolder folder;
  const auto path = folder.file("runs.jsonl");
  Journal(path).append({{"run", 1}});
  Journal(path).append({{"run", 2}});
  const Journal journal(path);
  ASSERT_EQ(journal.earlier_records().size(), 2U);
  EXPECT_EQ(journal.earlier_records()[1]["run"], 2);
  EXPECT_EQ(journal.dropped_bytes(), 0U);
}

// Catches a torn line that swallows the next record.
TEST(Journal, ATornLastLineIsCutOff) {
  const TemporaryFolder folder;
  const auto path = folder.file("runs.jsonl");
  write(path, "{\"run\":1}\n{\"run\":2,\"met");
  {
    Journal journal(path);
    EXPECT_EQ(journal.earlier_records().size(), 1U);
    EXPECT_EQ(journal.dropped_bytes(), 13U);
    journal.append({{"run", 3}});
  }
  EXPECT_EQ(content(path), "{\"run\":1}\n{\"run\":3}\n");
}

// Catches a block of zeros that a power failure leaves at the end of a file.
TEST(Journal, ALastLineThatIsNoJsonIsCutOff) {
  const TemporaryFolder folder;
  const auto path = folder.file("runs.jsonl");
  write(path, std::string("{\"run\":1}\n\0\0\0\n", 14));
  EXPECT_EQ(Journal(path).earlier_records().size(), 1U);
  EXPECT_EQ(content(path), "{\"run\":1}\n");
}

// Catches damage in the middle that would silently become missing runs.
TEST(Journal, ADamagedLineInTheMiddleIsAnError) {
  const TemporaryFolder folder;
  const auto path = folder.file("runs.jsonl");
  write(path, "{\"run\":1}\nnot json\n{\"run\":3}\n");
  EXPECT_THROW(Journal{path}, RunError);
  EXPECT_EQ(content(path), "{\"run\":1}\nnot json\n{\"run\":3}\n");
}

// Catches a full disk that goes unnoticed.
TEST(Journal, AFullDeviceIsAnErrorThatSaysSo) {
  Journal journal("/dev/full");
  try {
    journal.append({{"run", 1}});
    FAIL();
  } catch (const RunError& error) {
    EXPECT_NE(std::string(error.what()).find("the disk is full"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("--resume"), std::string::npos);
  }
}

/// Lowers the largest file this process may write while it lives.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &earlier_);
    const rlimit limit{bytes, earlier_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileLimit() { setrlimit(RLIMIT_FSIZE, &earlier_); }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit earlier_{};
};

// Catches half a record that stays behind when the disk fills within a write.
TEST(Journal, ARecordThatDoesNotFitLeavesTheFileAsItWas) {
  const TemporaryFolder folder;
  const auto path = folder.file("runs.jsonl");
  Journal journal(path);
  journal.append({{"run", 1}});
  {
    const FileLimit limit(20);
    EXPECT_THROW(journal.append({{"run", std::string(100, 'x')}}), RunError);
  }
  EXPECT_EQ(content(path), "{\"run\":1}\n");
  journal.append({{"run", 2}});
  EXPECT_EQ(Journal(path).earlier_records().size(), 2U);
}

// Catches a byte of a program's output that is not UTF-8 and would end the whole campaign.
TEST(Journal, TextThatIsNotUtf8IsStillARecord) {
  const TemporaryFolder folder;
  const auto path = folder.file("runs.jsonl");
  Journal(path).append({{"status_detail", "bad \xff byte"}});
  EXPECT_EQ(Journal(path).earlier_records().size(), 1U);
}

// Catches an unwritable place that is found only after the first run.
TEST(Journal, APlaceThatCannotBeWrittenIsAnErrorAtOnce) {
  EXPECT_THROW(Journal("/proc/runs.jsonl"), RunError);
}

}  // namespace
}  // namespace heapwise
