// Real programs with librefmalloc.so in front give the output they give without it.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

struct Outcome {
  std::string output;  // stdout and stderr
  int status = -1;
};

Outcome shell(const std::string& command) {
  Outcome outcome;
  FILE* const pipe = popen(("( " + command + " ) 2>&1").c_str(), "r");
  char part[4096];
  while (const std::size_t got = std::fread(part, 1, sizeof part, pipe)) {
    outcome.output.append(part, got);
  }
  outcome.status = WEXITSTATUS(pclose(pipe));
  return outcome;
}

std::string preloaded(const std::string& command) {
  return "export LD_PRELOAD='" REFMALLOC_LIBRARY "'; " + command;
}

struct RealProgram {
  const char* name;
  const char* needs;
  const char* command;
};

void PrintTo(const RealProgram& program, std::ostream* stream) {
  *stream << program.name;
}

class PreloadTest : public testing::TestWithParam<RealProgram> {};

// Silent error: a program runs to its end and computes something else.
TEST_P(PreloadTest, gives_the_same_output_with_and_without) {
  if (shell(std::string("command -v ") + GetParam().needs).status != 0) {
    GTEST_SKIP() << GetParam().needs << " is not installed";
  }
  const Outcome expected = shell(GetParam().command);
  const Outcome seen = shell(preloaded(GetParam().command));
  EXPECT_EQ(expected.status, 0) << expected.output;
  EXPECT_EQ(seen.status, expected.status);
  EXPECT_EQ(seen.output, expected.output);
}

constexpr RealProgram kPrograms[] = {
    {"bash", "bash",
     "bash -c 'for i in {1..300}; do a[$i]=$(echo $i | tr 0-9 a-j); done; echo ${a[@]}'"},
    {"sort", "sort",
     "seq 1 300000 | awk '{print ($1*7919)%1000003}' | sort -n --parallel=4 | cksum"},
    {"perl", "perl",
     "perl -e 'my %h; $h{$_ x 3}=[1..($_%50)] for 1..60000; my $n=0; $n+=@{$h{$_}} for keys %h; "
     "print \"$n\\n\"; print join(\",\",map{$_*2}1..1000),\"\\n\"'"},
    {"python3", "python3",
     "PYTHONMALLOC=malloc python3 -c 'import json,re,threading,decimal\n"
     "d={str(i):list(range(i%40)) for i in range(40000)}\n"
     "s=json.dumps(d); assert json.loads(s)==d; print(len(s))\n"
     "r=[]\n"
     "t=[threading.Thread(target=lambda k=k: r.append(sum(len(x) for x in re.findall(r\"[0-9]+\","
     "s[k::4])))) for k in range(4)]\n"
     "[x.start() for x in t]; [x.join() for x in t]; print(sorted(r))'"},
    {"python3_subprocesses", "python3",
     "PYTHONMALLOC=malloc python3 -c 'import multiprocessing as m,math\n"
     "if __name__==\"__main__\":\n"
     " with m.Pool(4) as p: print(p.map(math.factorial, range(60)))'"},
    {"python3_tests_of_its_own", "python3 && /usr/bin/python3 -c 'import test.test_dict'",
     "cd /tmp && PYTHONMALLOC=malloc /usr/bin/python3 -m test test_dict test_list test_set "
     "test_bytes "
     "2>&1 | grep -E '^(Result|[0-9]+ test|All )' | grep -v duration"},
    {"sqlite3", "sqlite3",
     "sqlite3 :memory: 'create table t(a,b); with recursive c(x) as (select 1 union all select x+1 "
     "from c where x<60000) insert into t select x, hex(x*x) from c; create index i on t(b); "
     "select "
     "count(*),sum(a),max(b) from t; select b from t order by b limit 20;'"},
    {"compiler_of_this_project", "g++",
     "d=$(mktemp -d) && g++ -std=c++20 -O1 -w -frandom-seed=1 -I'" REFMALLOC_SOURCES
     "' -c '" REFMALLOC_SOURCES
     "/allocators/reference/heap.cpp' -o $d/a.o && cksum < $d/a.o; s=$?; rm -r $d; exit $s"},
    {"ninja_side_by_side", "ninja",
     "d=$(mktemp -d) && cd $d && { printf 'rule r\\n command = cksum < $in > $out\\n'; "
     "for i in $(seq 1 60); do seq $i 999 > i$i; echo build o$i: r i$i; done; } > build.ninja && "
     "ninja -j2 > /dev/null && cat o*; s=$?; rm -rf $d; exit $s"},
    {"gdb", "gdb",
     "gdb -q -batch -nx -ex 'info files' -ex 'disassemble main' -ex 'info types' "
     "'" REFMALLOC_PROGRAM "' | cksum"},
    {"git", "git",
     "d=$(mktemp -d) && cd $d && git init -q . && seq 1 20000 > f && git add f && git -c "
     "user.name=n "
     "-c user.email=e commit -qm one --date=@0 && seq 1 3 20000 > f && git diff --stat && git "
     "repack "
     "-adq && git gc -q --aggressive && git fsck --strict 2>/dev/null && git cat-file -p HEAD:f | "
     "cksum; s=$?; rm -rf $d; exit $s"},
    {"tar_and_xz", "xz", "seq 1 200000 | xz -T2 -1 | xz -d | cksum"},
    {"awk", "awk",
     "awk 'BEGIN{for(i=0;i<100000;i++){a[i]=i \"x\" i*i; s=substr(s a[i],1,5000)} print length(s); "
     "for(k in a)n+=length(a[k]); print n}'"},
};

INSTANTIATE_TEST_SUITE_P(RealPrograms, PreloadTest, testing::ValuesIn(kPrograms),
                         [](const auto& test) { return test.param.name; });

// Silent error: a sound program, sized deletes and threads in it, is called faulty.
TEST(Preload, finds_no_fault_in_real_programs_under_check) {
  for (const RealProgram& program : kPrograms) {
    const std::string name = program.name;
    if (name != "sort" && name != "compiler") continue;
    if (shell(std::string("command -v ") + program.needs).status != 0) continue;
    const Outcome expected = shell(program.command);
    const Outcome seen = shell("export REFMALLOC_CONF=check=1; " + preloaded(program.command));
    EXPECT_EQ(seen.status, 0) << name;
    EXPECT_EQ(seen.output, expected.output) << name;
  }
}

// Silent error: an entry point that is still the C library's, whose memory we would then free.
TEST(Preload, serves_every_function_and_operator) {
  const Outcome outcome = shell(preloaded("'" REFMALLOC_PROGRAM "' '" REFMALLOC_PROBE "'"));
  EXPECT_EQ(outcome.status, 0) << outcome.output;
}

// Silent error: a setting that is not taken, or a bad one that ends the program.
TEST(Preload, takes_its_settings_from_the_environment) {
  const std::string ask = "'" REFMALLOC_PROGRAM "' x ";
  const auto with = [&](const std::string& conf, const std::string& key) {
    return shell("export REFMALLOC_CONF='" + conf + "'; " + preloaded(ask + key)).output;
  };
  EXPECT_EQ(with("mmap_threshold=256K,decay_ms=7,arenas=3", "mmap_threshold"), "262144\n");
  EXPECT_EQ(with("mmap_threshold=256K,decay_ms=7,arenas=3", "decay_ms"), "7\n");
  EXPECT_EQ(with("mmap_threshold=256K,decay_ms=7,arenas=3", "arenas"), "3\n");
  EXPECT_EQ(with("", "decay_ms"), "500\n");
  const std::string noisy = with(std::string(5000, ',') + "bogus=1", "decay_ms");
  EXPECT_NE(noisy.find("unknown key 'bogus'"), std::string::npos) << noisy;
  EXPECT_EQ(noisy.find("bogus"), noisy.rfind("bogus")) << "reported once";
  EXPECT_NE(noisy.find("500\n"), std::string::npos);
}

// Silent error: mapped memory that the kernel has and the allocator does not know of, or the other
// way round.
TEST(Preload, mapped_bytes_are_what_the_kernel_says) {
  for (const char* conf : {"", "mmap_threshold=64K", "decay_ms=0,mmap_threshold=1M"}) {
    const Outcome outcome = shell(std::string("export REFMALLOC_CONF='") + conf + "'; " +
                                  preloaded("'" REFMALLOC_STATISTICS "' maps"));
    EXPECT_EQ(outcome.status, 0) << "with '" << conf << "'\n" << outcome.output;
  }
}

// Silent error: a look at the heap that moves what is looked at.
TEST(Preload, malloc_stats_changes_nothing) {
  const Outcome outcome = shell(preloaded("'" REFMALLOC_STATISTICS "' stats"));
  EXPECT_EQ(outcome.status, 0) << outcome.output;
}

// Silent error: XML that a person can read and a parser cannot.
TEST(Preload, malloc_info_is_xml_whose_classes_add_up) {
  if (shell("command -v python3").status != 0) GTEST_SKIP() << "python3 is not installed";
  const Outcome outcome =
      shell("( " + preloaded("'" REFMALLOC_STATISTICS "' info") +
            " ) | python3 -c '\n"
            "import sys, xml.etree.ElementTree as tree\n"
            "root = tree.parse(sys.stdin).getroot()\n"
            "rows, total = root.findall(\"arena/class\"), root.find(\"total\")\n"
            "assert rows and root.tag == \"malloc\"\n"
            "for name in (\"slabs_count\", \"refills_count\"):\n"
            "    assert sum(int(row.get(name)) for row in rows) == "
            "int(total.get(name)) > 0\n'");
  EXPECT_EQ(outcome.status, 0) << outcome.output;
}

TEST(Preload, needs_the_c_library_only) {
  const Outcome outcome = shell("objdump -p '" REFMALLOC_LIBRARY "' | grep NEEDED");
  EXPECT_EQ(outcome.output.find("stdc++"), std::string::npos) << outcome.output;
}

std::string every_byte_up_to(std::size_t length) {
  std::string bytes;
  for (unsigned byte = 1; bytes.size() < length; byte = byte % 255 + 1) {
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

// Silent error: the settings are read beyond their end, or a message does not fit its buffer. The
// kernel hands a program no variable longer than 128 KiB.
TEST(Preload, starts_with_any_bytes_for_settings) {
  constexpr std::size_t kLongest = 130'000;
  const std::string garbage[] = {std::string(kLongest, 'x'),
                                 std::string(kLongest, ','),
                                 std::string(kLongest, '9'),
                                 "arenas=" + std::string(kLongest, '9'),
                                 "decay_ms" + std::string(kLongest, '='),
                                 "decay_ms",
                                 "=",
                                 every_byte_up_to(kLongest)};
  for (const std::string& settings : garbage) {
    ASSERT_EQ(setenv("REFMALLOC_CONF", settings.c_str(), 1), 0);
    const Outcome outcome = shell(preloaded("/bin/echo fine"));
    unsetenv("REFMALLOC_CONF");
    EXPECT_EQ(outcome.status, 0);
    EXPECT_TRUE(outcome.output.ends_with("fine\n")) << outcome.output.substr(0, 500);
  }
}

// Silent error: a message about the settings is tried for ever where there is no stderr.
TEST(Preload, starts_with_its_streams_closed) {
  const std::string bogus = "export REFMALLOC_CONF=bogus; ";
  EXPECT_EQ(shell(bogus + preloaded("/bin/echo fine 2>&-")).output, "fine\n");
  EXPECT_EQ(shell(bogus + preloaded("/bin/true <&- >&- 2>&-")).status, 0);
}

TEST(Preload, works_in_an_empty_environment) {
  const Outcome outcome = shell("env -i LD_PRELOAD='" REFMALLOC_LIBRARY "' /bin/echo fine");
  EXPECT_EQ(outcome.output, "fine\n");
}

}  // namespace
