"""The tables of whole programs: malloc's share, memory of all processes, a user's metrics, all programs at a glance."""

import factory
import pytest
from factory import MIB, Behaviour
from heapwise.records.folder import read_folder
from heapwise.output.program_tables import program_table
from heapwise.output.render import TERMINAL_WIDTH, markdown_summary, terminal_summary
from heapwise.inference.summary import summarize_folder
from heapwise.output.tables import cell_views


def summary_of(path, groups, kind="try"):
    return summarize_folder(read_folder(factory.write_folder(path, groups, kind=kind)))


def table_of(summary, full=False):
    return program_table(cell_views(summary, "command")[0], full)


def one_program(tree_over_rss=1.0, user_metrics=(), share=None, **changes):
    behaviours = {name: Behaviour(tree_bytes=int(64 * MIB * tree_over_rss), **changes) for name in ("glibc", "jemalloc")}
    plan = factory.GroupPlan("command", behaviours, "command", 8, "command", parameters={"command": "./service"}, user_metrics=user_metrics)
    return [plan, factory.share_group(plan, share)] if share else [plan]


def test_the_tables_of_several_programs_are_the_golden_ones(program_summary, golden):
    """Would catch: a share at the wrong program, a column lost, an overview that says something else than the tables."""
    golden("apps.txt", terminal_summary(program_summary))
    golden("apps.md", markdown_summary(program_summary))


def test_no_line_of_programs_is_wider_than_the_terminal(program_summary):
    """Would catch: a table with all its columns that wraps."""
    assert max(map(len, terminal_summary(program_summary).splitlines())) <= TERMINAL_WIDTH


@pytest.mark.parametrize("share, text", [
    ((0.87, 0.80), "malloc owns 87 % of the memory at its peak (live objects 80 %)"),
    ((0.11, 0.09), "malloc owns 11 % of the memory at its peak (live objects 9 %): another malloc can change little of it")])
def test_the_first_note_says_what_malloc_can_change_at_all(tmp_path, share, text):
    """Would catch: allocators compared on a program that hardly uses malloc, and nobody says so."""
    assert table_of(summary_of(tmp_path / "t", one_program(share=share))).notes[0] == text


def test_without_a_run_for_the_share_nothing_is_said_of_it(tmp_path):
    """Would catch: `unknown` on folders in which nobody asked."""
    assert not any("share" in note or "owns" in note for note in table_of(summary_of(tmp_path / "t", one_program())).notes)


def test_the_run_for_the_share_is_in_no_figure(tmp_path):
    """Would catch: an allocator that was not chosen in the table, or the slow preloaded run in a median."""
    plan = factory.GroupPlan("command", {"jemalloc": Behaviour(), "mimalloc": Behaviour()}, "command", 8, "command", "jemalloc",
                             parameters={"command": "./service"})
    share = factory.GroupPlan("command", {"glibc": Behaviour()}, "malloc_share", 1, "command", parameters={"command": "./service"})
    for number, groups in enumerate(([plan, share], [share, plan])):
        summary = summary_of(tmp_path / str(number), groups)
        table = table_of(summary)
        assert [row[0].text for row in table.rows] == ["jemalloc (baseline)", "mimalloc"]
        assert table.subtitle == "blocks: command 8" and table.notes[0].startswith("malloc owns 85 %")
        assert {c["pass"] for c in summary["comparisons"]} == {"command"}


def test_tree_memory_is_shown_only_where_several_processes_had_some(tmp_path):
    """Would catch: one figure twice, or a server of five processes judged by one of them."""
    assert "tree memory" not in table_of(summary_of(tmp_path / "one", one_program())).headings
    several = table_of(summary_of(tmp_path / "several", one_program(tree_over_rss=2.0)))
    assert several.headings[3:5] == ("peak RSS", "tree memory") and any("all processes together" in note for note in several.notes)


def test_one_figure_is_not_compared_under_two_names(tmp_path):
    """Would catch: comparisons of nothing new, which make p of all others larger."""
    def compared(tree_over_rss):
        return {c["metric"] for c in summary_of(tmp_path / str(tree_over_rss), one_program(tree_over_rss))["comparisons"]}

    assert compared(2.0) - compared(1.0) == {"tree_peak_bytes"} and "voluntary_switches_count" not in compared(2.0)


def test_the_parts_of_cpu_time_waits_and_readiness_are_details_of_the_markdown(program_summary):
    """Would catch: a terminal table in which what matters drowns."""
    brief, full = table_of(program_summary), table_of(program_summary, full=True)
    assert set(full.headings) - set(brief.headings) == {"user CPU", "system CPU", "waits", "ready after"}


def test_more_of_what_is_better_when_higher_is_marked_as_better(tmp_path):
    """Would catch: ▲ at a rise that is good, so that looking for ▲ no longer finds what got worse."""
    rates = {"glibc": 100.0, "jemalloc": 150.0, "tcmalloc": 50.0}
    behaviours = {name: Behaviour(noise=0.0, user_figures=lambda block, rate=rate: {"rps": rate}) for name, rate in rates.items()}
    summary = summary_of(tmp_path / "t", factory.command_groups(blocks=12, user_metrics=(factory.RATE,), **behaviours))
    rows = {row[0].text: row for row in table_of(summary).rows}
    assert table_of(summary).headings[3] == "rps ↑"
    assert rows["jemalloc"][3].text == "1.50× ▼" and rows["tcmalloc"][3].text == "0.50× ▲"
    assert "↑ in a heading: there higher is better" in terminal_summary(summary)
    rate = next(c for c in summary["comparisons"] if c["metric"] == "user_rps")
    assert (rate["better"], rate["verdict"], rate["ratio"]) == ("higher", "better", pytest.approx(1.5))
    assert [m["better"] for m in summary["metrics"] if m["metric"] == "user_rps"] == ["higher"]
    assert all(c["better"] == "lower" for c in summary["comparisons"] if c["metric"] != "user_rps")


def test_a_users_metric_may_be_better_when_lower(tmp_path):
    """Would catch: every metric of a user taken for a rate."""
    metric = {"name": "p99_ms", "pattern": "p99: (.*)", "better": "lower"}
    behaviours = {"glibc": Behaviour(user_figures=lambda block: {"p99_ms": 2.0}), "jemalloc": Behaviour(user_figures=lambda block: {"p99_ms": 4.0})}
    summary = summary_of(tmp_path / "t", factory.command_groups(blocks=12, user_metrics=(metric,), **behaviours))
    assert "p99_ms" in table_of(summary).headings and "↑" not in terminal_summary(summary)
    assert next(c["verdict"] for c in summary["comparisons"] if c["metric"] == "user_p99_ms") == "worse"


def test_an_application_is_named_with_what_it_stands_for(program_summary):
    """Would catch: the shell text of a served program as a heading."""
    assert table_of(program_summary).title == "store: an in-memory store under a pipelined client"


def test_two_applications_of_one_command_keep_their_own_words(tmp_path):
    """Would catch: a program found by its command, where two begin with the same script."""
    plans = [factory.GroupPlan(f"apps/{name}", {"glibc": Behaviour(), "x": Behaviour()}, "command", 2, "command",
                               parameters={"command": "exec ./run"}, program={"name": name, "models": f"models {name}", "command": "exec ./run"})
             for name in ("first", "second")]
    summary = summary_of(tmp_path / "t", plans, kind="bench")
    assert [program_table(view).title for view in cell_views(summary, "command")] == ["first: models first", "second: models second"]


def test_the_overview_has_a_row_for_each_program_and_a_column_for_each_allocator(program_summary):
    """Would catch: a program left out, or an allocator that only one program was run under shown as failed elsewhere."""
    text = terminal_summary(program_summary)
    overview = text[text.index("all programs: wall time"):].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in overview[4:]] == ["store", "compiler", "database", "interpreter"]
    assert overview[2].split()[:2] == ["program", "malloc's"] and overview[5].split()[-1] == "·"
    assert " 92 % " in overview[4] and " unknown " in overview[7] and "no library" in overview[4]


def test_a_single_program_needs_no_overview(try_summary):
    """Would catch: every figure printed twice."""
    assert "all programs" not in terminal_summary(try_summary)


@pytest.mark.parametrize("field, make, word", [("state", lambda block: "bb", "other state"), ("output", lambda block: "x", "other output"),
                                               ("files", lambda block: {"a": "x"}, "other file")])
def test_other_work_has_its_word_in_the_place_of_its_figures(tmp_path, field, make, word):
    """Would catch: a row of nothing that does not say why."""
    right = {"state": lambda block: "aa", "output": lambda block: "yes", "files": lambda block: {"a": "yes"}}[field]
    groups = factory.command_groups(glibc=Behaviour(**{field: right}), jemalloc=Behaviour(**{field: make}), tcmalloc=Behaviour(**{field: right}))
    rows = {row[0].text: row for row in table_of(summary_of(tmp_path / "t", groups)).rows}
    assert rows["jemalloc"][1].text == word and rows["tcmalloc"][1].text != word
