"""`try`: what a user must know before any figure."""

import factory
import pytest
from heapwise.inference.findings import EXITING_KINDS
from heapwise.records.folder import read_folder
from heapwise.output.render import terminal_summary
from heapwise.records.schema import load_schema
from heapwise.inference.summary import summarize_folder


def summary_of(path, **changes):
    return summarize_folder(read_folder(factory.write_folder(path, factory.command_groups(**changes), kind="try")))


def found(summary):
    return {(finding["kind"], finding["allocator"]) for finding in summary["findings"]}


def test_a_run_with_another_exit_code_has_no_figures(try_summary):
    """Would catch: a program that fails at once and so seems the fastest."""
    assert ("exit_code_differs", "mimalloc") in found(try_summary)
    walls = [c for c in try_summary["comparisons"] if c["allocator"] == "mimalloc" and c["metric"] == "wall_ns"]
    assert walls[0]["verdict"] == "no_data" and walls[0]["failed_count"] == 8


def test_an_exit_code_that_the_baseline_has_too_is_no_finding(tmp_path):
    """Would catch: a program that always exits with 1 and cannot be tried."""
    odd = {name: factory.Behaviour(exit_code=1) for name in ("glibc", "jemalloc", "tcmalloc")}
    summary = summary_of(tmp_path / "t", **odd)
    assert found(summary) == set() and all(c["blocks_count"] == 8 for c in summary["comparisons"])


def test_another_output_is_a_finding_with_how_often(try_summary):
    """Would catch: an allocator under which the program computes something else."""
    text = next(f["text"] for f in try_summary["findings"] if f["kind"] == "output_differs")
    assert text == "stdout differs from the baseline's in 4 of 8 runs (5 bytes instead of 4); its own runs differ from each other"


def test_a_command_whose_own_baseline_differs_is_not_repeatable(tmp_path):
    """Would catch: every allocator accused because the program prints the time."""
    clock = factory.Behaviour(output=lambda block: f"time {block}")
    summary = summary_of(tmp_path / "t", glibc=clock, jemalloc=clock, tcmalloc=factory.Behaviour())
    assert found(summary) == {("not_repeatable", "glibc")}
    assert "stdout differs between runs of the baseline itself" in summary["findings"][0]["text"]


def test_findings_are_printed_before_any_figure(try_summary):
    """Would catch: a table read and believed before the reason not to."""
    text = terminal_summary(try_summary)
    assert text.startswith("before any figure:") and text.index("crashed (signal 11)") < text.index("wall time")


def test_a_clean_try_has_no_findings(tmp_path):
    """Would catch: alarms that nobody reads because they are always there."""
    summary = summary_of(tmp_path / "t")
    assert summary["findings"] == [] and not terminal_summary(summary).startswith("before")


def differing(**made):
    """A candidate that makes something else in the last three of eight blocks."""
    return {name: (lambda block, value=value: value[1] if block > 4 else value[0]) for name, value in made.items()}


@pytest.mark.parametrize("kind, same, other, words", [
    ("output_differs", {"output": "four"}, {"output": "fives"}, "stdout differs from the baseline's in 3 of 8 runs (5 bytes instead of 4)"),
    ("output_differs", {"output": "four"}, {"output": "five"}, "in 3 of 8 runs (as many bytes, other content)"),
    ("file_differs", {"files": {"out.db": "four"}}, {"files": {"out.db": "fives"}}, "the file out.db differs from the baseline's in 3 of 8"),
    ("file_differs", {"files": {"out.db": "four"}}, {"files": {}}, "(it was not written)"),
    ("state_differs", {"state": "aa"}, {"state": "bb"}, "the state after the work differs from the baseline's in 3 of 8 runs"),
])
def test_runs_that_made_something_else_have_no_figures(tmp_path, kind, same, other, words):
    """Would catch: an allocator that is fast because the program computed something else under it."""
    field, = same
    right = factory.Behaviour(**{field: lambda block: same[field]})
    wrong = factory.Behaviour(**differing(**{field: (same[field], other[field])}))
    summary = summary_of(tmp_path / "t", glibc=right, jemalloc=wrong, tcmalloc=right)
    assert found(summary) == {(kind, "jemalloc")} and words in summary["findings"][0]["text"]
    assert "its own runs differ from each other" in summary["findings"][0]["text"]
    comparison = next(c for c in summary["comparisons"] if (c["allocator"], c["metric"]) == ("jemalloc", "wall_ns"))
    assert (comparison["blocks_count"], comparison["failed_count"]) == (5, 3)
    assert summary["unequal_runs_count"] == 3


@pytest.mark.parametrize("field, make, name", [
    ("output", lambda block: f"at {block}", "stdout"), ("state", lambda block: f"{block:02d}", "the state after the work"),
    ("files", lambda block: {"log": f"at {block}"}, "the file log"), ("errors", lambda block: f"at {block}", "stderr")])
def test_what_the_baseline_does_not_repeat_is_not_compared(tmp_path, field, make, name):
    """Would catch: every allocator accused because a file holds the time, its figures gone with it."""
    summary = summary_of(tmp_path / "t", glibc=factory.Behaviour(**{field: make}))
    assert found(summary) == {("not_repeatable", "glibc")} and f"{name} differs between runs" in summary["findings"][0]["text"]
    assert all(c["failed_count"] == 0 for c in summary["comparisons"]) and summary["unequal_runs_count"] == 0


def test_another_stderr_is_a_finding_that_leaves_the_figures(tmp_path):
    """Would catch: a warning of an allocator hidden, or a run thrown away for it."""
    summary = summary_of(tmp_path / "t", jemalloc=factory.Behaviour(errors=lambda block: "warning"))
    assert found(summary) == {("stderr_differs", "jemalloc")} and summary["unequal_runs_count"] == 8
    assert all(c["blocks_count"] == 8 for c in summary["comparisons"])


def test_another_exit_code_explains_another_output(tmp_path):
    """Would catch: three findings for one failure."""
    failing = factory.Behaviour(exit_code=1, output=lambda block: "", files=lambda block: {})
    summary = summary_of(tmp_path / "t", jemalloc=failing)
    assert found(summary) == {("exit_code_differs", "jemalloc")} and summary["unequal_runs_count"] == 8


def test_one_run_of_the_baseline_does_not_prove_that_it_repeats_itself(tmp_path):
    """Would catch: an allocator accused for the time of day in the only run there is."""
    groups = factory.command_groups(blocks=1, jemalloc=factory.Behaviour(output=lambda block: "other"))
    summary = summarize_folder(read_folder(factory.write_folder(tmp_path / "t", groups, kind="try")))
    assert "takes two of them at least: use more --repetitions" in summary["findings"][0]["text"]


def with_rate(path, **changes):
    groups = factory.command_groups(user_metrics=(factory.RATE,), **changes)
    return summarize_folder(read_folder(factory.write_folder(path, groups, kind="try")))


def rate_in(*blocks):
    return factory.Behaviour(user_figures=lambda block: {"rps": 100.0} if block in blocks else {})


def test_a_users_metric_that_is_not_found_is_a_finding_with_its_pattern(tmp_path):
    """Would catch: a column of nothing, or of half of the runs, because a pattern is mistyped."""
    always = rate_in(*range(8))
    summary = with_rate(tmp_path / "some", glibc=always, jemalloc=rate_in(0, 1, 2), tcmalloc=always)
    assert [(f["kind"], f["allocator"]) for f in summary["findings"]] == [("metric_missing", "jemalloc")]
    assert "metric rps was not found in 5 of 8 runs; check its pattern '([0-9.]+) requests per second'" in summary["findings"][0]["text"]
    wall, rate = (next(c for c in summary["comparisons"] if (c["allocator"], c["metric"]) == ("jemalloc", metric))
                  for metric in ("wall_ns", "user_rps"))
    assert (wall["blocks_count"], rate["blocks_count"], summary["unequal_runs_count"]) == (8, 3, 5)
    nowhere = with_rate(tmp_path / "none")
    assert [f["text"].split(";")[0] for f in nowhere["findings"]] == ["metric rps was not found in any run"]


def test_remarks_are_notes_each_once_with_how_often_and_under_which_allocators(tmp_path):
    """Would catch: the same sentence eighty times, or a server that had to be killed and nobody says so."""
    stubborn = {name: factory.Behaviour(remarks=lambda block: ("ignored SIGTERM for 10 s and was killed",)) for name in ("glibc", "tcmalloc")}
    stubborn["jemalloc"] = factory.Behaviour(remarks=lambda block: ("ignored SIGTERM for 10 s and was killed",) if block else ())
    summary = summary_of(tmp_path / "t", **stubborn)
    assert summary["findings"] == [] and summary["unequal_runs_count"] == 0
    assert summary["notes"] == [
        "./service --synthetic: ignored SIGTERM for 10 s and was killed (23 of 24 runs: glibc 8, jemalloc 7, tcmalloc 8)"]


def test_the_same_finding_of_several_programs_is_one_line(program_summary):
    """Would catch: a library that is missing told once for each of fifteen programs."""
    lines = terminal_summary(program_summary).splitlines()
    assert lines[:2] == ["before any figure:", "  ! all programs, tbbmalloc: library missing: install libtbbmalloc2"] and lines[2] == ""
    assert len(program_summary["findings"]) == 4


def test_a_run_for_the_share_that_failed_is_no_finding(tmp_path):
    """Would catch: `try` failed by the one run that is compared with nothing."""
    plan = factory.command_groups()[0]
    share = factory.share_group(plan, fails=factory.fails_always("timed_out"))
    summary = summarize_folder(read_folder(factory.write_folder(tmp_path / "t", [plan, share], kind="try")))
    assert summary["findings"] == [] and "malloc's share unknown: timed out" in terminal_summary(summary)


def test_every_kind_of_finding_is_the_schemas_and_all_but_one_make_try_fail():
    """Would catch: a finding of a new kind after which `try` still says that all is well."""
    kinds = load_schema()["$defs"]["finding"]["properties"]["kind"]["enum"]
    assert set(kinds) - set(EXITING_KINDS) == {"not_repeatable"} and set(EXITING_KINDS) < set(kinds)
