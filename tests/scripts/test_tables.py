"""The printed tables: golden outputs, width, words in the place of figures, colours, ASCII."""

import io

import factory
import pytest
from heapwise.records.folder import read_folder
from heapwise.output.render import TERMINAL_WIDTH, fitted, markdown_summary, terminal_summary, wants_colour
from heapwise.inference.summary import summarize_folder


class Stream(io.StringIO):
    def __init__(self, terminal=True, encoding="utf-8"):
        super().__init__()
        self._terminal, self._encoding = terminal, encoding

    @property
    def encoding(self):
        return self._encoding

    def isatty(self):
        return self._terminal


def summary_of(path, groups, kind="bench"):
    return summarize_folder(read_folder(factory.write_folder(path, groups, kind=kind)))


def test_the_terminal_table_of_a_campaign_is_the_golden_one(bench_summary, golden):
    """Would catch: a column shifted, a verdict lost, a ratio printed in the wrong row."""
    golden("bench.txt", terminal_summary(bench_summary))


def test_the_markdown_of_a_campaign_is_the_golden_one(bench_summary, golden):
    """Would catch: a Markdown table that says something else than the terminal's."""
    golden("bench.md", markdown_summary(bench_summary))


def test_the_tables_of_try_are_the_golden_ones(try_summary, golden):
    """Would catch: figures before the findings that take them back."""
    golden("try.txt", terminal_summary(try_summary))
    golden("try.md", markdown_summary(try_summary))


def test_the_tables_of_requests_are_the_golden_ones(service_summary, golden):
    """Would catch: response times that are left out, taken for those of malloc, or cut from their allocators."""
    golden("service.txt", terminal_summary(service_summary))
    golden("service.md", markdown_summary(service_summary))


def test_response_times_are_explained_where_they_stand(bench_summary):
    """Would catch: a legend for columns that are not there."""
    assert "response" not in terminal_summary(bench_summary)


def test_no_line_is_wider_than_the_terminal(bench_summary, try_summary, service_summary, tmp_path):
    """Would catch: tables that wrap into a puzzle, with long specs and with extreme figures."""
    wild = {"glibc": factory.Behaviour(time_ns=1e-3, rss_bytes=1 << 44, vsz_bytes=1 << 46, major_faults=1),
            "glibc:mmap_threshold=33554432,trim_threshold=1073741824,arena_max=1": factory.Behaviour(
                time_ns=123_456_789, rss_bytes=1 << 30, faults_per_operation=9e3, major_faults=10 ** 6, calls_per_operation=1e4, noise=1.5),
            "mine=/a/very/long/path/to/some/library/of/a/user/libmine.so": factory.Behaviour(
                time_ns=1e9, noise=2, fails=factory.fails_always("setting_contradicted", "x" * 300, only_pass="memory"))}
    summary = summary_of(tmp_path / "wild", factory.comparison_groups("w" * 50, {"p" * 40: "v" * 60}, wild))
    for one in (bench_summary, try_summary, service_summary, summary):
        for line in terminal_summary(one).splitlines():
            assert len(line) <= TERMINAL_WIDTH, line


def row(text, name):
    return next(line for line in text.splitlines() if line.strip().startswith(name + " "))


@pytest.mark.parametrize("status, word", [("crashed", "crashed"), ("timed_out", "timed out"), ("library_missing", "no library"),
                                          ("wrong_allocator", "wrong lib"), ("setting_contradicted", "setting no"),
                                          ("integrity_failed", "corrupted"), ("out_of_memory", "no memory")])
def test_a_failed_pass_shows_its_word_in_the_place_of_its_figures(tmp_path, status, word):
    """Would catch: a gap, a 0 or another allocator's figure where one failed."""
    behaviours = {"glibc": factory.Behaviour(), "x": factory.Behaviour(fails=factory.fails_always(status, "why"))}
    text = terminal_summary(summary_of(tmp_path / "f", factory.comparison_groups("w", {}, behaviours)))
    assert row(text, "x").split("  ")[-1].strip() == word and "×" not in row(text, "x")
    assert row(text, "x").count(word) == 4, "once for each pass"
    assert "x: " in text.split("calls/op")[1], "the whole reason stands below"


def test_a_word_stands_only_in_the_columns_of_its_own_pass(bench_summary):
    """Would catch: the system calls' figure printed under RSS when the columns of a pass are not neighbours."""
    markdown = markdown_summary(bench_summary)
    memory = next(line for line in markdown.splitlines() if "RSS after free" in line and "calls/op" in line)
    glibc = next(line for line in markdown[markdown.index(memory):].splitlines() if "glibc (baseline)" in line)
    cells = dict(zip((c.strip() for c in memory.split("|")), (c.strip(" *") for c in glibc.split("|"))))
    assert cells["calls/op"] == "0.020" and cells["RSS after free"] == "16.0 MiB" and cells["minor/op"] == "0.150"


def test_under_a_memory_limit_the_tables_say_so_and_show_what_the_cgroup_counted(tmp_path):
    """Would catch: figures at a limit that read like any others, or "no memory pressure" where memory was short."""
    folder = factory.write_folder(tmp_path / "limited", factory.comparison_groups("small_churn", {"live": 1}))
    factory.change_manifest(folder, lambda manifest: manifest.update(memory_limit_bytes=64 << 20))
    limited_records = factory.read_records(folder)
    for record in limited_records:
        if record["cell"]["pass"] == "memory" and record["status"] == "ok":
            record["metrics"].update(cgroup_peak_bytes=64 << 20, cgroup_limit_hits_count=7)
    factory.write_records(folder, limited_records)
    summary = summarize_folder(read_folder(folder))
    text = terminal_summary(summary)
    assert text.startswith("measured under a memory limit of 64M\n")
    assert "major faults: 0\n" in text and "charged  limit hits" in text and "64.0 MiB           7" in text
    markdown = markdown_summary(summary)
    assert "under a memory limit of 64M" in markdown and "| charged | limit hits | calls/op |" in markdown


def test_the_fragmentation_pass_alone_has_its_table_and_its_reasons(tmp_path):
    """Would catch: a cell of which only `ok` is printed, a failure whose reason stands in no table."""
    behaviours = {"glibc": factory.Behaviour(), "x": factory.Behaviour(fails=factory.fails_always("out_of_memory", "at 1 GiB"))}
    summary = summary_of(tmp_path / "f", [factory.GroupPlan("w", behaviours, "fragmentation", 2)])
    for text in (terminal_summary(summary), markdown_summary(summary)):
        assert "fragmentation of w" in text and "unreturned" in text and "glibc ok" not in text
        assert "x: out of memory: at 1 GiB (fragmentation)" in text


def test_major_faults_are_a_sentence_while_there_are_none(bench_summary):
    """Would catch: a column of zeros that hides whether faults were looked at."""
    calm, pressed = terminal_summary(bench_summary).split("producer_consumer")[:2]
    assert "major faults: 0, no memory pressure" in calm
    assert "no memory pressure" not in pressed.split("threshold sweep")[0] and " major " in pressed


def test_passes_with_other_numbers_of_operations_are_one_table(bench_summary):
    """Would catch: time and memory of one cell in two tables, because the memory pass does fewer operations."""
    assert terminal_summary(bench_summary).splitlines().count("small_churn") == 1


def test_a_difference_stands_where_a_ratio_says_nothing(tmp_path):
    """Would catch: 256 faults against none shown as 1.00× or as infinite."""
    behaviours = {"glibc": factory.Behaviour(calls_per_operation=0), "x": factory.Behaviour(calls_per_operation=2)}
    text = terminal_summary(summary_of(tmp_path / "f", [factory.GroupPlan("w", behaviours, "system_calls", 8)]))
    assert row(text, "x").split() == ["x", "+2", "▲"] and row(text, "glibc").split()[-1] == "0"


def test_rare_faults_stand_as_they_are(tmp_path):
    """Would catch: 3 faults in 100,000 operations against 1 shown as three times the faults."""
    behaviours = {"glibc": factory.Behaviour(faults_per_operation=1e-4), "x": factory.Behaviour(faults_per_operation=4e-4)}
    text = terminal_summary(summary_of(tmp_path / "f", [factory.GroupPlan("w", behaviours, "memory", 8)]))
    assert "<0.001 =" in row(text, "x")


def test_colours_are_for_terminals_that_want_them():
    """Would catch: escape codes in a log file, or against NO_COLOR."""
    assert wants_colour(Stream(), {})
    assert not wants_colour(Stream(terminal=False), {})
    assert not wants_colour(Stream(), {"NO_COLOR": "1"})
    assert not wants_colour(Stream(), {"TERM": "dumb"})


def test_colours_change_no_column(bench_summary):
    """Would catch: tables that align only without colours."""
    import re
    coloured = terminal_summary(bench_summary, colour=True)
    assert "\033[" in coloured
    assert [line.rstrip() for line in re.sub(r"\033\[[0-9;]*m", "", coloured).splitlines()] == \
        [line.rstrip() for line in terminal_summary(bench_summary).splitlines()]


def test_an_ascii_terminal_gets_ascii_of_the_same_width(bench_summary):
    """Would catch: a UnicodeEncodeError at the end of an hour's campaign."""
    text = fitted(terminal_summary(bench_summary), Stream(encoding="ascii"))
    assert text.isascii() and "0.88x" in text
    assert fitted("0.88× ▼", Stream()) == "0.88× ▼"


def test_the_untimed_pass_alone_still_shows_what_failed(tmp_path):
    """Would catch: a failed check of every object that no table mentions."""
    behaviours = {"glibc": factory.Behaviour(), "x": factory.Behaviour(fails=factory.fails_always("integrity_failed", "overlap"))}
    text = terminal_summary(summary_of(tmp_path / "f", [factory.GroupPlan("w", behaviours, "checked", 1)]))
    assert "x integrity check failed: overlap" in text and "glibc ok in 1 runs" in text
