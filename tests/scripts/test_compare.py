"""Two folders set against each other: what is paired, refused, concluded, printed and exited with."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import factory
import pytest
from factory import Behaviour, GroupPlan, change_manifest
from heapwise.__main__ import main
from heapwise.commands.compare import comparison_document
from heapwise.errors import HeapwiseError
from heapwise.records.folder import read_folder
from heapwise.inference.folder_comparison import compare_folders
from heapwise.output.comparison_tables import header_lines
from heapwise.output.render import TERMINAL_WIDTH, terminal_comparison
from heapwise.records.schema import Checker
from heapwise.commands.summarize import to_json

QUIET = {"glibc": Behaviour(noise=0.002), "refmalloc": Behaviour(time_ns=17.5, noise=0.002, calls_per_operation=0.011),
         "tcmalloc": Behaviour(time_ns=15.5, noise=0.002, rss_bytes=79 * factory.MIB)}


def changed(behaviours, **changes):
    """The behaviours with those of single allocators changed: `tcmalloc=dict(time_ns=20)`."""
    return {name: replace(one, **changes.get(name, {})) for name, one in behaviours.items()}


def slower_machine(behaviours, factor=2.0):
    return {name: replace(one, time_ns=factor * one.time_ns) for name, one in behaviours.items()}


def folders(path, before, after, kind="bench"):
    return (factory.write_folder(path / "before", before, kind=kind, seed=7),
            factory.write_folder(path / "after", after, kind=kind, seed=8))


def compared(path, before, after, kind="bench"):
    return compare_folders(*map(read_folder, folders(path, before, after, kind)))


def cells(behaviours, latency=False):
    """All passes over a cell and its own cost; latency takes long to invent."""
    groups = factory.comparison_groups("small_churn", {"live": 10_000}, behaviours)
    return [group for group in groups if latency or group.pass_name != "latency"]


def entry(comparison, allocator, metric):
    return next(one for one in comparison.entries if (one["allocator"], one["metric"]) == (allocator, metric))


def test_only_what_became_slower_is_called_slower(tmp_path):
    """Would catch: a machine twice as slow in one sitting that makes all allocators worse, or hides the one that is."""
    found = compared(tmp_path, cells(QUIET), cells(slower_machine(changed(QUIET, tcmalloc={"time_ns": 18.6}))))
    assert entry(found, "refmalloc", "wall_per_operation_ns")["verdict"] in ("same", "undecided")
    slower = entry(found, "tcmalloc", "wall_per_operation_ns")
    assert slower["verdict"] == "worse" and slower["through"] == "glibc"
    assert slower["ratio"] == pytest.approx(1.2, abs=0.02)
    assert slower["median"] > 1.5 * slower["baseline_median"], "each folder's own median"
    assert {one["verdict"] for one in found.entries if one["metric_class"] != "noisy"} == {"same"}


def test_memory_and_system_calls_are_compared_for_the_baseline_too(tmp_path):
    """Would catch: a libc's growth that nobody sees because it is what all others are compared with."""
    grown = changed(QUIET, glibc={"rss_bytes": 80 * factory.MIB, "calls_per_operation": 0.03})
    found = compared(tmp_path, cells(QUIET), cells(grown))
    assert entry(found, "glibc", "rss_peak_growth_bytes")["verdict"] == "worse"
    assert entry(found, "glibc", "system_calls_per_operation")["verdict"] == "worse"
    assert entry(found, "refmalloc", "rss_peak_growth_bytes")["verdict"] == "same"


def test_time_of_the_baseline_itself_has_no_verdict(tmp_path):
    """Would catch: raw times of two sittings compared where there is nothing to compare them through."""
    one = entry(compared(tmp_path, cells(QUIET), cells(slower_machine(QUIET))), "glibc", "wall_per_operation_ns")
    assert one["verdict"] is None and one["ratio"] is None and one["p_value"] is None and "through" not in one
    assert "without a common baseline" in one["reason"] and "heapwise compare SPEC_A SPEC_B" in one["reason"]


def test_folders_with_other_baselines_compare_no_time(tmp_path):
    """Would catch: ratios to two different allocators compared as if they were to one."""
    before, after = ([GroupPlan("w", QUIET, "throughput", 8, baseline=spec)] for spec in ("glibc", "refmalloc"))
    found = compared(tmp_path, before, after)
    assert {one["verdict"] for one in found.entries} == {None} and all("reason" in one for one in found.entries)


def test_a_baseline_of_another_build_is_no_baseline_for_time(tmp_path):
    """Would catch: a change of the baseline blamed, the other way round, on every other allocator."""
    plan = [GroupPlan("w", QUIET, "throughput", 8, baseline="refmalloc")]
    before, after = folders(tmp_path, plan, plan)
    change_manifest(after, lambda m: m["allocators"][1].update(build_id="01"))
    found = compare_folders(read_folder(before), read_folder(after))
    ours = [one for one in found.entries if one["allocator"] == "glibc"]
    assert ours and all(one["verdict"] is None and "another build in B" in one["reason"] for one in ours)
    assert any(note.startswith("refmalloc is another build: /synthetic/refmalloc.so") for note in found.notes)


def test_lockstep_folders_are_compared_by_their_slices(tmp_path):
    """Would catch: the two figures of a lockstep block used where its slices say more."""
    def lockstep(path, factor, seed):
        folder = factory.write_folder(path, [GroupPlan("w", QUIET, "throughput", 10)], kind="compare", seed=seed)
        records = factory.read_records(folder)
        for record in records:
            record["cell"]["pass"] = "lockstep"
            nanoseconds = factor if record["cell"]["allocator"] == "tcmalloc" else 100.0
            record["metrics"]["slice_ns"] = [nanoseconds * (1 + 0.001 * (record["block"] + k)) for k in range(5)]
        factory.write_records(folder, records)
        return read_folder(change_manifest(folder, lambda m: m["plan"][0].update({"pass": "lockstep"})))

    found = compare_folders(lockstep(tmp_path / "before", 80.0, 1), lockstep(tmp_path / "after", 88.0, 2))
    one = entry(found, "tcmalloc", "wall_per_operation_ns")
    assert one["ratio"] == pytest.approx(1.1) and one["verdict"] == "worse" and one["pass"] == "lockstep"


def test_an_allocator_that_fails_on_one_side_has_no_data_and_says_how_it_ended(tmp_path):
    """Would catch: a crash in B that passes as nothing to report, or as 0."""
    crashing = changed(QUIET, tcmalloc={"fails": factory.fails_always("crashed")})
    one = entry(compared(tmp_path, cells(QUIET), cells(crashing)), "tcmalloc", "rss_peak_growth_bytes")
    assert one["verdict"] == "no_data" and one["reason"] == "B: crashed (signal 11)" and one["failed_count"] == 3
    assert one["median"] is None and one["baseline_median"] > 0 and one["ratio"] is None


def test_a_single_failed_run_is_counted_and_not_averaged(tmp_path):
    """Would catch: a failed run as a 0 in the median."""
    once = changed(QUIET, refmalloc={"fails": lambda name, block: ("crashed", "") if block == 0 else None})
    found = compared(tmp_path, cells(QUIET), cells(once))
    memory = entry(found, "refmalloc", "rss_peak_growth_bytes")
    time = entry(found, "refmalloc", "wall_per_operation_ns")
    assert (memory["blocks_count"], memory["failed_count"], memory["verdict"]) == (2, 1, "same")
    assert (time["blocks_count"], time["verdict"]) == (7, None), "seven blocks are too few for a verdict on time"


def test_one_block_gives_a_range_and_no_verdict(tmp_path):
    """Would catch: a verdict from a single run."""
    plan = [GroupPlan("w", QUIET, name, 1) for name in ("throughput", "memory", "system_calls")]
    assert {one["verdict"] for one in compared(tmp_path, plan, plan).entries} == {None}


def test_p_is_adjusted_over_all_times_of_the_two_folders(tmp_path):
    """Would catch: dozens of times at 5 % each, of which some are always wrong."""
    found = compared(tmp_path, cells(QUIET), cells(changed(QUIET, tcmalloc={"time_ns": 15.8})))
    tested = [one for one in found.entries if one["p_value"] is not None]
    assert len(tested) == 4 and all(one["p_adjusted"] >= one["p_value"] for one in tested)
    assert any(one["p_adjusted"] > one["p_value"] for one in tested)


@pytest.mark.parametrize("field, value, classes", [
    ("cpu_model", "another", {"exact", "near_exact"}), ("thp", "always", {"exact"}), ("libc", "glibc 9", set())])
def test_unlike_environments_leave_what_does_not_depend_on_them(tmp_path, field, value, classes):
    """Would catch: figures of unlike machines compared, or all refused for a field that matters to one class."""
    before, after = folders(tmp_path, cells(QUIET), cells(QUIET))
    change_manifest(after, lambda m: m["environment"].update({field: value}))
    found = compare_folders(read_folder(before), read_folder(after))
    assert {one["metric_class"] for one in found.entries} == classes
    assert found.incomparable == (not classes) and {one.field for one in found.refused} == {field}


def test_folders_under_unlike_memory_limits_have_only_their_system_calls_in_common(tmp_path):
    """Would catch: a limit that the manifest holds and the comparison never reads, or does not show."""
    before, after = folders(tmp_path, cells(QUIET), cells(QUIET))
    change_manifest(after, lambda m: m.update(memory_limit_bytes=64 << 20))
    found = compare_folders(read_folder(before), read_folder(after))
    assert {one["metric_class"] for one in found.entries} == {"exact"}
    assert {one.field for one in found.refused} == {"memory_limit_bytes"}
    before_words, after_words = header_lines(comparison_document(found))
    assert after_words.endswith("under a memory limit of 64M") and "limit" not in before_words.rpartition("/")[2]


def test_what_only_one_folder_holds_is_said(tmp_path):
    """Would catch: a cell that was dropped from the campaign and with it its regression."""
    before = [GroupPlan("w", QUIET), GroupPlan("gone", QUIET), GroupPlan("v", QUIET)]
    after = [GroupPlan("w", QUIET), GroupPlan("v", {name: QUIET[name] for name in ("glibc", "refmalloc")})]
    found = compared(tmp_path, before, after)
    assert {one["workload"] for one in found.entries} == {"w", "v"}
    assert found.notes == ("only in A: gone, 1 thread, under glibc, refmalloc, tcmalloc (throughput); "
                           "v, 1 thread, under tcmalloc (throughput)",)


def test_other_parameters_are_another_cell(tmp_path):
    """Would catch: ten thousand live objects compared with a million."""
    before, after = ([GroupPlan("w", QUIET, parameters={"live": live})] for live in (1000, 2000))
    with pytest.raises(HeapwiseError) as error:
        compared(tmp_path, before, after)
    message = str(error.value)
    assert "holds w live=1000, 1 thread, under glibc" in message and "holds w live=2000, 1 thread" in message
    assert "Measure B with A's profile, workloads and allocators: heapwise bench synthetic" in message


def test_the_harness_own_cost_is_not_compared(tmp_path):
    """Would catch: the null allocator in the table of allocators."""
    assert all(one["allocator"] != "null" for one in compared(tmp_path, cells(QUIET), cells(QUIET)).entries)


def test_pairs_that_share_an_allocator_count_it_once(tmp_path):
    """Would catch: the baseline's memory listed once for each pair that it is in."""
    plan = [GroupPlan("w", {name: QUIET[name] for name in ("glibc", other)}, "memory", 3)
            for other in ("refmalloc", "tcmalloc")]
    found = compared(tmp_path, plan, plan)
    names = [one["allocator"] for one in found.entries if one["metric"] == "rss_peak_growth_bytes"]
    assert sorted(names) == ["glibc", "refmalloc", "tcmalloc"]


def test_a_program_that_prints_something_else_in_b_is_pointed_at(tmp_path):
    """Would catch: the time of another work taken for that of another allocator."""
    def printing(text):
        behaviour = Behaviour(output=lambda block: text)
        return factory.command_groups(**dict.fromkeys(("glibc", "jemalloc", "tcmalloc"), behaviour))

    before, after = printing("1.0"), printing("1.1")
    found = compared(tmp_path, before, after, kind="try")
    assert found.notes == ("./service --synthetic: stdout of B is not that of A; is it the same work?",)


def test_a_users_metric_is_compared_only_where_its_pattern_is_the_same(tmp_path):
    """Would catch: two figures that share nothing but a name."""
    served = {name: Behaviour(user_figures=lambda block: {"rps": 1000.0}) for name in ("glibc", "jemalloc", "tcmalloc")}
    other = {**factory.RATE, "pattern": "rate ([0-9]+)"}
    plans = [factory.command_groups(user_metrics=(metric,), **served) for metric in (factory.RATE, factory.RATE, other)]
    names = [{one["metric"] for one in compared(tmp_path / str(number), plans[0], plan, kind="try").entries}
             for number, plan in enumerate(plans[1:])]
    assert "user_rps" in names[0] and "user_rps" not in names[1]


@pytest.fixture(scope="module")
def written_folders(tmp_path_factory):
    """B: slower, fatter and crashing allocators on a slower machine, and a cell in which nothing changed. Read only."""
    path = tmp_path_factory.mktemp("changed")
    lively = {**QUIET, "scudo": Behaviour(time_ns=41, noise=0.08), "mine": Behaviour(time_ns=16, noise=0.002)}
    after = changed(lively, tcmalloc={"time_ns": 18.6, "rss_bytes": 90 * factory.MIB},
                    refmalloc={"calls_per_operation": 0.009},
                    mine={"fails": factory.fails_always("crashed", only_pass="latency")})
    calm = {name: replace(one, calls_per_operation=0) for name, one in QUIET.items()}
    still = [GroupPlan("large_churn", calm, name, blocks, parameters={"size": factory.MIB})
             for name, blocks in factory.PASSES[2:]]
    folders(path, [*cells(lively, latency=True), *still], [*cells(slower_machine(after, 1.3), latency=True), *still])
    change_manifest(path / "after", lambda m: m["allocators"][2].update(build_id="01", version="0.1"))
    return path


@pytest.fixture
def changed_folders(written_folders, tmp_path, monkeypatch):
    """Copies in the working directory; a test may change them."""
    for name in ("before", "after"):
        shutil.copytree(written_folders / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return "before", "after"


def test_the_terminal_table_of_two_folders_is_the_golden_one(changed_folders, golden, capsys):
    """Would catch: a row lost or a verdict in the wrong row; a regression below what is undecided."""
    assert main(["compare", *changed_folders]) == 0
    golden("compare.txt", capsys.readouterr().out)


def test_all_shows_what_is_the_same_and_what_has_no_verdict(changed_folders, capsys):
    """Would catch: figures that no option brings to light."""
    assert main(["compare", *changed_folders, "--all"]) == 0
    text = capsys.readouterr().out
    assert "peak RSS of refmalloc" in text and "time/op of glibc" in text and "more figures are the same" not in text


def test_refusals_come_first_and_counts_last(changed_folders, capsys):
    """Would catch: a reader who has seen the table before the reason why half of it is missing."""
    change_manifest(Path("after"), lambda m: m["environment"].update(cpu_model="Y"))
    assert main(["compare", *changed_folders]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("! time is not compared: cpu_model is 'Synthetic CPU' in A and 'Y' in B; measure both ")
    assert lines[-1] == "3 worse, 1 better, 52 same, 0 undecided, of 56 figures"
    assert not any("time/op" in line for line in lines)


def test_no_line_is_wider_than_the_terminal(tmp_path):
    """Would catch: tables that wrap into a puzzle with long specs and wild figures."""
    spec = "glibc:mmap_threshold=33554432,trim_threshold=1073741824,arena_max=1"
    wild = {"glibc": Behaviour(major_faults=1),
            spec: Behaviour(time_ns=1e9, noise=2, faults_per_operation=9e3, calls_per_operation=1e4)}
    found = compared(tmp_path, cells(wild), cells(slower_machine(wild)))
    for everything in (False, True):
        for line in terminal_comparison(comparison_document(found), everything).splitlines():
            assert len(line) <= TERMINAL_WIDTH, line


def test_the_json_conforms_and_is_what_the_file_holds(changed_folders, tmp_path, capsys):
    """Would catch: a field that the schema does not list, or a file that says something else than the screen."""
    assert main(["compare", *changed_folders, "--json", "--out", "c.json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "c.json").read_text())
    assert Checker("folder_comparison").problems(printed) == []
    assert printed["kind"] == "comparison"
    assert (printed["baseline"]["path"], printed["candidate"]["kind"]) == ("before", "bench")


def test_every_entry_without_a_decision_has_its_reason(changed_folders):
    """Would catch: `undecided` that leaves open whether more blocks would help."""
    found = compare_folders(*(read_folder(Path(name)) for name in changed_folders))
    undecided = [one for one in found.entries if one["verdict"] == "undecided"]
    assert undecided and all(one["reason"] for one in undecided)
    assert any("wider than the band of ±1 %" in one["reason"] for one in undecided)
    document = json.loads(to_json(comparison_document(found)))
    document["comparisons"][0]["surprise"] = 1
    assert Checker("folder_comparison").problems(document), "the schema lists every field"


def test_incomparable_folders_exit_with_three_and_still_say_why_as_json(changed_folders, capsys):
    """Would catch: a CI job that takes "nothing could be compared" for a pass."""
    change_manifest(Path("after"), lambda m: m["environment"].update(isa="another"))
    assert main(["compare", *changed_folders]) == 3
    words = " ".join(capsys.readouterr().out.split())
    assert words.endswith("incomparable: no figure of A may be set against one of B")
    assert "isa is 'synthetic' in A and 'another' in B; measure both on one machine" in words
    assert main(["compare", *changed_folders, "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert Checker("folder_comparison").problems(document) == []
    assert document["comparisons"] == [] and {one["field"] for one in document["refused"]} == {"isa"}


def test_errors_exit_with_two(changed_folders, capsys):
    """Would catch: a traceback for a folder that is none or of another version."""
    assert main(["compare", "before", "nowhere"]) == 2
    change_manifest(Path("after"), lambda m: m.update(schema_version=9))
    assert main(["compare", *changed_folders]) == 2
    assert "schema_version 9" in capsys.readouterr().err
