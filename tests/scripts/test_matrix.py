"""The README's matrix: families, two lines an entry, several folders, what is bold."""

import factory
import pytest
from heapwise.inference.summary import summarize_folder
from heapwise.output.matrix import matrix
from heapwise.output.render import markdown_table
from heapwise.output.tables import cell_views
from heapwise.records.catalogue import Catalogue
from heapwise.records.folder import read_folder

CATALOGUE = Catalogue.from_json(factory.catalogue())


def views_of(path, groups):
    return cell_views(summarize_folder(read_folder(factory.write_folder(path, groups))), "comparison")


def rows_of(path, groups):
    return [[text.text for text in row] for row in matrix(views_of(path, groups), CATALOGUE).rows]


def long_groups():
    """A second folder: the first one's cell again, one of memory alone, one of a workload that is gone; one allocator less."""
    behaviours = {name: factory.ALLOCATORS[name] for name in ("glibc", "mimalloc", "mine")}
    others = {**behaviours, "jemalloc": factory.Behaviour(time_ns=19, rss_bytes=10 * factory.MIB)}
    return [*factory.comparison_groups("small_churn", {"live": 10_000, "size": 64}, behaviours),
            factory.GroupPlan("gone", others, "throughput", parameters={"live": 1}),
            factory.GroupPlan("small_churn", others, "memory", 3, parameters={"live": 5}, spec="small_churn:live=5")]


def test_the_matrix_of_two_folders_is_the_golden_one(bench_summary, tmp_path, golden):
    """Would catch: a cell under another family, a ratio in another allocator's column, a folder's figures over another's."""
    views = [*cell_views(bench_summary, "comparison"), *views_of(tmp_path / "long", long_groups())]
    golden("matrix.md", "\n".join(markdown_table(matrix(views, CATALOGUE))) + "\n")


def test_a_cell_that_two_folders_have_is_the_first_ones(tmp_path):
    """Would catch: one cell in two rows with two figures, or the second folder's figures for the first one's."""
    fast, slow = ({"glibc": factory.Behaviour(time_ns=time)} for time in (10, 1000))
    first = views_of(tmp_path / "a", [factory.GroupPlan("small_churn", fast, parameters={"live": 1, "operations": 5})])
    second = views_of(tmp_path / "b", [factory.GroupPlan("small_churn", slow, parameters={"live": 1, "operations": 500})])
    table = matrix([*first, *second], CATALOGUE)
    assert len(table.rows) == 2 and "µs" not in table.rows[1][1].text and "ns" in table.rows[1][1].text


@pytest.mark.parametrize("time_ns, bold", [(10.0, {"x"}), (40.0, {"glibc"}), (20.0, {"glibc", "x"})])
def test_the_lowest_is_bold_and_the_baseline_with_what_is_not_told_apart_from_it(tmp_path, time_ns, bold):
    """Would catch: a winner by chance, or a baseline that can never win."""
    behaviours = {"glibc": factory.Behaviour(noise=0.001), "x": factory.Behaviour(time_ns=time_ns * 0.9999, noise=0.001)}
    entries = rows_of(tmp_path / "f", [factory.GroupPlan("small_churn", behaviours)])[1]
    assert {name for name, entry in zip(behaviours, entries[1:]) if entry.startswith("**")} == bold


def test_a_failure_is_a_word_and_never_the_lowest(tmp_path):
    """Would catch: a crash that wins its row, and a baseline that failed taking the row with it."""
    failing = factory.Behaviour(fails=factory.fails_always("crashed"))
    for behaviours in ({"glibc": factory.Behaviour(), "x": failing}, {"glibc": failing, "x": factory.Behaviour()}):
        entries = dict(zip(behaviours, rows_of(tmp_path / "f", [factory.GroupPlan("small_churn", behaviours)])[1][1:]))
        failed = next(name for name, one in behaviours.items() if one is failing)
        assert entries.pop(failed) == "*crashed*"
        assert all("ns**" in entry for entry in entries.values())


def test_a_figure_of_nothing_is_the_lowest_though_it_has_no_ratio(tmp_path):
    """Would catch: a traceback, or no winner, where memory did not grow under one allocator."""
    behaviours = {"glibc": factory.Behaviour(rss_bytes=factory.MIB), "x": factory.Behaviour(rss_bytes=0)}
    entries = rows_of(tmp_path / "f", [factory.GroupPlan("small_churn", behaviours, "memory", 3)])[1]
    assert entries[2].startswith("<sub>**0 B") and "**" not in entries[1]
