"""`try`: what a user must know before any figure."""

import factory
from heapwise.folder import read_folder
from heapwise.render import terminal_summary
from heapwise.summary import summarize_folder


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
    assert text == "stdout differs from the baseline's in 4 of 8 runs (5 bytes instead of 4)"


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
