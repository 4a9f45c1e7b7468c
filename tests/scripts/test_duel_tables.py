"""What `heapwise compare SPEC SPEC` prints."""

import factory
import pytest
from heapwise.records.folder import read_folder
from heapwise.output.render import TERMINAL_WIDTH, markdown_summary, terminal_summary
from heapwise.inference.summary import summarize_folder


@pytest.fixture(scope="module")
def duel_summary(tmp_path_factory):
    """One allocator slower and with less memory, in lockstep; system calls beside."""
    sides = {"glibc": factory.Behaviour(noise=0.01), "jemalloc": factory.Behaviour(time_ns=23, rss_bytes=48 * factory.MIB, noise=0.01)}
    groups = [factory.GroupPlan("small_churn", sides, "lockstep", blocks=12), factory.GroupPlan("small_churn", sides, "system_calls", blocks=8)]
    return summarize_folder(read_folder(factory.write_folder(tmp_path_factory.mktemp("duel"), groups, kind="compare")))


def test_both_sides_are_named_and_every_metric_has_an_effect_and_a_verdict(duel_summary):
    """Would catch: a table from which the reader cannot tell which side is which, or a metric that is not shown."""
    text = terminal_summary(duel_summary)
    assert "A (baseline): glibc" in text and "B (candidate): jemalloc" in text
    for label in ("time/op", "peak RSS", "minor faults/op", "system calls/op"):
        assert any(label in line and "×" in line for line in text.splitlines()), label
    assert "1 worse" in text.splitlines()[-1]
    assert max(map(len, text.splitlines())) <= TERMINAL_WIDTH


def test_what_is_too_noisy_says_how_noisy(tmp_path):
    """Would catch: `undecided` without what it would take."""
    sides = {name: factory.Behaviour(noise=0.3) for name in ("glibc", "jemalloc")}
    folder = factory.write_folder(tmp_path / "f", [factory.GroupPlan("w", sides, "throughput", blocks=8, threads=2)], kind="compare")
    text = terminal_summary(summarize_folder(read_folder(folder)))
    assert "undecided, ±" in text and "> ±1 %" in text


def test_a_side_that_fails_stands_before_the_figures(tmp_path):
    """Would catch: a comparison without figures that does not say why."""
    sides = {"glibc": factory.Behaviour(fails=factory.fails_always("partner_failed")),
             "mine": factory.Behaviour(fails=factory.fails_always("crashed"))}
    folder = factory.write_folder(tmp_path / "f", [factory.GroupPlan("w", sides, "lockstep")], kind="compare")
    lines = terminal_summary(summarize_folder(read_folder(folder))).splitlines()
    assert any(line.startswith("! ") and "crashed (signal 11)" in line for line in lines)
    assert lines[-1] == "no figures to compare"


def test_the_markdown_has_the_same_rows(duel_summary):
    """Would catch: a summary.md of a comparison that is empty."""
    text = markdown_summary(duel_summary)
    assert text.count("| time/op |") == 1 and "B (candidate): jemalloc" in text
