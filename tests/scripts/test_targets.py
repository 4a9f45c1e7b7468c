"""The block `targets`: refmalloc's targets beside figures of several folders, and what is said where one is missing."""

from dataclasses import replace

import factory
import pytest
from factory import MIB, Behaviour, GroupPlan
from heapwise.__main__ import main
from heapwise.inference.summary import summarize_folder
from heapwise.inference.targets import TARGETS, Miss, memory_against_glibc, standings, time_against_glibc, time_against_peers
from heapwise.records.folder import read_folder

MARKS = "<!-- heapwise:begin targets -->\n<!-- heapwise:end targets -->\n"
FIGURES = len(("refmalloc", "glibc", "best peer", "ratio", "met"))
STEADY = Behaviour(noise=0.01, faults_per_operation=0.02)
# Of an imaginary machine: glibc slow, tcmalloc level with refmalloc, mimalloc fast and large.
FULL = {"glibc": replace(STEADY, time_ns=300, rss_bytes=40 * MIB), "refmalloc": replace(STEADY, time_ns=20, rss_bytes=41 * MIB),
        "tcmalloc": replace(STEADY, time_ns=20.1, rss_bytes=44 * MIB), "mimalloc": replace(STEADY, time_ns=16, rss_bytes=60 * MIB)}
PASSES = (("throughput", 8), ("latency", 8), ("memory", 5))


def cells(spec, behaviours=FULL, threads=1):
    """The passes over one cell, as a profile plans them; of threads also latency."""
    parameters = {"spec": spec}
    return [GroupPlan(spec.partition(":")[0], behaviours, name, blocks, threads=threads, parameters=parameters, spec=spec)
            for name, blocks in PASSES if name != "latency" or threads > 1]


def duel(peer, ours_ns, theirs_ns):
    sides = {"refmalloc": replace(STEADY, time_ns=ours_ns), peer: replace(STEADY, time_ns=theirs_ns)}
    return [GroupPlan("small_churn", sides, "lockstep", 12, baseline="refmalloc", parameters={"live": 10240},
                      spec="small_churn:live=10K")]


def folders():
    """Everything that targets are held against; the machine was twice as fast while it met tcmalloc."""
    full = [*cells("small_churn:live=10K"), *cells("producer_consumer", threads=2),
            *cells("request_bursts", {**FULL, "tcmalloc": Behaviour(fails=factory.fails_always("crashed"))}),
            *cells("large_churn", {**FULL, "mimalloc": replace(STEADY, time_ns=30)})]
    thp = {"glibc:hugetlb=1": STEADY, "refmalloc:thp=always": replace(STEADY, time_ns=3_000, faults_per_operation=0.0001),
           "jemalloc:thp=always": replace(STEADY, time_ns=3_500)}
    true = {name: replace(STEADY, rss_bytes=int(size * MIB)) for name, size in
            (("glibc", 1.5), ("refmalloc", 1.75), ("tcmalloc", 7.2))}
    return {"full": ("bench", full), "duel-glibc": ("compare", duel("glibc", 7, 30)),
            "duel-jemalloc": ("compare", duel("jemalloc", 7, 7.7)), "duel-tcmalloc": ("compare", duel("tcmalloc", 3.5, 3.6)),
            "thp": ("bench", [replace(group, baseline="glibc:hugetlb=1") for group in cells("large_churn", thp)]),
            "try-true": ("try", [GroupPlan("command", true, "command", 10, "command", parameters={"command": "/bin/true"})])}


def written(path, wanted=None):
    """The folders below `path` as references, by name."""
    for name, (kind, groups) in folders().items():
        if wanted is None or name in wanted:
            factory.write_folder(path / "results" / "reference" / name, groups, kind)
            assert main(["summarize", str(path / "results" / "reference" / name), "--no-plots"]) == 0
    (path / "README.md").write_text(MARKS)
    return path


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    return written(tmp_path_factory.mktemp("targets"))


@pytest.fixture(scope="module")
def found(repository):
    read = {path.name: read_folder(path) for path in (repository / "results" / "reference").iterdir()}
    return {(one.target.cell, one.target.source, one.target.metric): one for one in standings(read)}


def standing(found, cell, source, metric="wall_per_operation_ns"):
    return found[cell, source, metric]


def block(root):
    assert main(["readme", "--root", str(root)]) == 0 and main(["readme", "--root", str(root), "--check"]) == 0
    return (root / "README.md").read_text()


def test_the_block_reads_as_the_golden_one(repository, golden):
    """Would catch: a column that moves, or a figure that loses its unit, its rival or its interval."""
    golden("targets.md", block(repository))


def test_every_target_has_a_row_and_nothing_measured_is_no_error(tmp_path):
    """Would catch: a document that cannot be written before everything is measured, or that leaves a target out."""
    text = block(written(tmp_path, wanted=()))
    rows = [line for line in text.splitlines() if line.count("not measured") == FIGURES]
    assert len(rows) == len(TARGETS) and "On the cells" not in text and "Measured on" not in text


def test_one_missing_folder_takes_only_its_own_figures(tmp_path):
    """Would catch: figures that vanish with another folder, or glibc's that stand in for a peer's."""
    root = written(tmp_path, wanted=("duel-glibc",))
    row = next(line for line in block(root).splitlines() if line.startswith("| small_churn:live=10K | time/op"))
    assert row.count("not measured") == 2, "the best peer and the ratio to it"
    assert "missed by" in row


def test_the_best_peer_of_several_duels_is_the_one_nearest_in_its_own_duel(found):
    """Would catch: a peer called best because the machine was fast while it was measured, or figures of two sittings divided."""
    one = standing(found, "small_churn:live=10K", "duel-")
    assert one.best_peer.spec == "tcmalloc" and one.ours == one.best_peer.ours < 5
    assert one.best_peer.comparison.ratio.low < 3.5 / 3.6 < one.best_peer.comparison.ratio.high
    assert one.glibc.ours > 5, "glibc's is another sitting"


def test_the_ratio_is_refmallocs_to_the_peer_whichever_side_was_the_baseline(found):
    """Would catch: an inverted ratio, which reads as a victory."""
    assert standing(found, "small_churn:live=10K", "duel-").best_peer.comparison.ratio.centre < 1
    slower = standing(found, "producer_consumer", "full").best_peer
    assert slower.spec == "mimalloc" and slower.comparison.ratio.centre == pytest.approx(20 / 16, rel=0.02)


def test_a_target_is_missed_by_the_share_of_its_limit(found):
    """Would catch: a miss called yes, or a share of the figure instead of the limit."""
    one = standing(found, "producer_consumer", "full")
    assert one.excess == one.ours / 18 - 1
    true = standing(found, "/bin/true", "try-true", "rss_peak_bytes")
    assert true.excess == 1.75 * MIB / 1.8e6 - 1 > 0, "MB are millions of bytes"
    assert standing(found, "large_churn", "thp").excess < 0


def test_settings_do_not_hide_who_an_allocator_is(found):
    """Would catch: rows with huge pages without glibc or refmalloc, because their specs have settings there."""
    one = standing(found, "large_churn", "thp")
    assert one.ours is not None and one.glibc.spec == "glibc:hugetlb=1" and one.best_peer.spec == "jemalloc:thp=always"


def test_a_peer_without_figures_is_not_the_best(found):
    """Would catch: a crash that counts as no memory at all."""
    assert standing(found, "request_bursts", "full", "rss_end_growth_bytes").best_peer.spec == "mimalloc"


def test_the_tallies_name_every_cell_that_misses(repository):
    """Would catch: cells left out of the count, a level cell called a miss, or a slower one passed over."""
    folder = read_folder(repository / "results" / "reference" / "full")
    summary = summarize_folder(folder)
    assert time_against_glibc(summary).missed == () and time_against_glibc(summary).cells_count == 4
    assert memory_against_glibc(summary).missed == (), "41 of 40 MiB are within 5 %"
    level = time_against_peers(folder)
    assert [(miss.cell, miss.peer) for miss in level.missed] == [
        ("small_churn:live=10K", "mimalloc"), ("producer_consumer, 2 threads", "mimalloc"), ("request_bursts", "mimalloc")]
    assert all(miss.ratio == pytest.approx(20 / 16, rel=0.02) for miss in level.missed)


def test_what_is_behind_glibc_is_counted_as_a_miss(tmp_path):
    """Would catch: a tally that can only praise, or a refmalloc that failed counted as ahead."""
    larger = cells("w", {**FULL, "refmalloc": replace(STEADY, time_ns=320, rss_bytes=43 * MIB)})
    failed = cells("v", {**FULL, "refmalloc": Behaviour(fails=factory.fails_always("crashed"))})
    folder = read_folder(factory.write_folder(tmp_path / "full", [*larger, *failed]))
    summary = summarize_folder(folder)
    slow, large = time_against_glibc(summary), memory_against_glibc(summary)
    for tally, ratio in ((slow, 320 / 300), (large, 43 / 40)):
        assert tally.cells_count == 2 and [miss.cell for miss in tally.missed] == ["w", "v"]
        assert tally.missed[0].ratio == pytest.approx(ratio, rel=0.02) and tally.missed[1] == Miss("v", None)
    assert time_against_peers(folder).missed[1] == Miss("v", None)


def test_folders_for_the_targets_are_no_other_blocks_data(tmp_path):
    """Would catch: a README in which six duels want to be the comparison, or in which the empty program is a program."""
    root = written(tmp_path, wanted=("full", "duel-glibc", "thp", "try-true"))
    factory.write_folder(root / "results" / "reference" / "compare", duel("jemalloc", 7, 8), "compare")
    assert main(["summarize", str(root / "results" / "reference" / "compare"), "--no-plots"]) == 0
    (root / "README.md").write_text("".join(f"<!-- heapwise:begin {name} -->\n<!-- heapwise:end {name.partition(' ')[0]} -->\n"
                                            for name in ("environment", "summary", "compare")))
    assert "B (candidate)" not in block(root)
    (root / "README.md").write_text("<!-- heapwise:begin try -->\n<!-- heapwise:end try -->\n")
    assert main(["readme", "--root", str(root)]) == 2
    (root / "README.md").write_text("<!-- heapwise:begin try from=try-true -->\n<!-- heapwise:end try -->\n")
    assert "/bin/true" in block(root), "where it is named it is shown"
