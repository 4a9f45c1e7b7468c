"""What more threads bring: which cells belong together, the speed-up, the tables and the picture."""

from dataclasses import replace

import factory
import pytest
from heapwise.commands.summarize import to_json
from heapwise.inference.summary import summarize_folder
from heapwise.output.plots import draw_all
from heapwise.output.plots.data import scaling_data
from heapwise.output.render import markdown_summary, terminal_summary
from heapwise.records.folder import read_folder
from heapwise.records.schema import Checker


def summary_of(path, groups):
    return summarize_folder(read_folder(factory.write_folder(path, groups)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return factory.write_folder(tmp_path_factory.mktemp("scaling"), factory.scaling_groups())


@pytest.fixture(scope="module")
def summary(folder):
    return summarize_folder(read_folder(folder))


def row(summary, threads, allocator):
    return next(one for one in summary["scaling"][0]["rows"] if (one["threads"], one["allocator"]) == (threads, allocator))


def test_the_speed_up_is_against_one_thread_of_the_same_allocator(folder, tmp_path):
    """Would catch: one allocator's speed-up against another's thread, its inverse, or time instead of operations."""
    exact = {("glibc", 1): 100.0, ("glibc", 2): 50.0, ("glibc", 4): 40.0, ("mimalloc", 1): 20.0, ("mimalloc", 2): 25.0,
             ("mimalloc", 4): 10.0, ("mine", 1): 8.0, ("mine", 2): 8.0}
    records = factory.read_records(folder)
    for record in records:
        if record["status"] == "ok":
            record["metrics"]["wall_per_operation_ns"] = exact[record["cell"]["allocator"], record["cell"]["threads"]]
    copy = factory.write_folder(tmp_path / "copy", factory.scaling_groups())
    factory.write_records(copy, records)
    summary = summarize_folder(read_folder(copy))
    assert len(summary["scaling"]) == 1
    for (allocator, threads), time_ns in exact.items():
        one = row(summary, threads, allocator)
        assert one["operations_per_second"] == pytest.approx(1e9 / time_ns)
        assert one["speed_up"] == one["speed_up_low"] == pytest.approx(exact[allocator, 1] / time_ns)
        assert one["ratio"] == (None if allocator == "glibc" else pytest.approx(time_ns / exact["glibc", threads]))


def test_a_figure_has_an_interval_and_one_against_the_baseline_a_verdict(summary):
    """Would catch: a speed-up that looks exact, and a verdict across blocks that were never near each other."""
    one = row(summary, 4, "mimalloc")
    assert one["operations_per_second_low"] < one["operations_per_second"] < one["operations_per_second_high"]
    assert one["speed_up_low"] < one["speed_up"] < one["speed_up_high"] and 2.5 < one["speed_up"] < 6
    assert one["verdict"] == "better" and row(summary, 4, "glibc")["verdict"] is None
    comparison = next(c for c in summary["comparisons"] if (c["threads"], c["allocator"], c["metric"]) ==
                      (4, "mimalloc", "wall_per_operation_ns"))
    assert [one[name] for name in ("ratio", "ratio_low", "ratio_high")] == [comparison[name] for name in ("ratio", "ratio_low", "ratio_high")]


def test_cells_that_differ_in_more_than_their_threads_are_apart(tmp_path):
    """Would catch: a speed-up between two sizes, or between a comparison and the harness's own cost."""
    small, large = factory.scaling_groups(threads=(1, 2))
    other = replace(large, parameters={**large.parameters, "size": 1024})
    null = factory.GroupPlan("stress", {"null": factory.Behaviour()}, "throughput", 3, "own_cost", "null", 2, large.parameters)
    assert summary_of(tmp_path / "apart", [small, other, null, replace(small, pass_name="memory", threads=4)])["scaling"] == []
    assert len(summary_of(tmp_path / "alike", [small, large, other])["scaling"]) == 1


def test_a_folder_without_several_numbers_of_threads_says_nothing_of_scaling(bench_summary):
    """Would catch: a table of one line, an empty heading."""
    assert bench_summary["scaling"] == [] and "scaling" not in terminal_summary(bench_summary)


def test_the_title_is_the_cell_without_its_threads(tmp_path):
    """Would catch: a table of all threads that is headed by one of them."""
    assert summary_of(tmp_path / "a", factory.scaling_groups(threads=(1, 2)))["scaling"][0]["title"] == "stress"
    groups = [replace(group, spec=f"stress:threads={group.threads},size=1M") for group in factory.scaling_groups()]
    assert summary_of(tmp_path / "b", groups)["scaling"][0]["title"] == "stress:size=1M"


def test_the_tables_are_the_golden_ones(summary, golden):
    """Would catch: a speed-up under another number of threads, a failure shown as a figure, CPUs that nobody is told of."""
    text = terminal_summary(summary)
    golden("scaling.txt", text[text.index("scaling: "):])
    markdown = markdown_summary(summary)
    golden("scaling.md", markdown[markdown.index("## scaling"):])


def test_the_summary_conforms_to_the_schema(summary):
    """Would catch: a field that the schema does not list."""
    import json
    assert Checker("summary").problems(json.loads(to_json(summary))) == []


def test_lines_end_where_an_allocator_has_no_figures(summary, folder, tmp_path):
    """Would catch: a line through a time-out, an allocator that is left out without a word, a picture that is not drawn."""
    data = scaling_data(summary["scaling"][0], 2)
    lines = {line.spec: line for line in data.lines}
    assert lines["glibc"].threads.tolist() == [1, 2, 4] and lines["mine"].threads.tolist() == [1, 2]
    assert lines["glibc"].rates[0] == row(summary, 1, "glibc")["operations_per_second"]
    assert data.missing == ("mine with 4 threads (timed out)",) and not lines["glibc"].ranged
    names = {file.stem for file in draw_all(read_folder(folder), summary, tmp_path)}
    assert "scaling-stress" in names


def test_a_scaling_of_failures_is_words_and_no_picture(tmp_path):
    """Would catch: a traceback where nothing scaled because nothing ran."""
    failing = {"glibc": factory.Behaviour(fails=factory.fails_always("crashed"))}
    groups = [replace(group, behaviours=failing) for group in factory.scaling_groups()]
    folder = read_folder(factory.write_folder(tmp_path / "f", groups))
    summary = summarize_folder(folder)
    assert scaling_data(summary["scaling"][0], 2) is None
    assert "glibc, 4 threads: crashed" in terminal_summary(summary)
    assert not any(file.stem.startswith("scaling") for file in draw_all(folder, summary, tmp_path / "plots"))
