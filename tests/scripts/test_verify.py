"""`verify`: the truths hold on folders that show them, and do not on folders that show something else."""

import json
import subprocess
import sys
from dataclasses import fields, replace

import factory
import pytest
from conftest import REPOSITORY
from factory import Behaviour, GroupPlan, MIB
from heapwise.__main__ import main
from heapwise.inference.evidence import ABSENT, FAILS, HOLDS, UNDECIDED, findings_of_truths
from heapwise.records.folder import read_folder
from heapwise.labels import parse_spec
from heapwise.inference.rules import RULES
from heapwise.records.schema import Checker
from heapwise.inference.truths import BOTH_RAISED, MMAP_128K, MMAP_64M, TRUTHS, EveryRun

CHURN_1M = {"size": MIB, "window": 1}
CHURN_16M = {"size": 16 * MIB, "window": 1}


def finding_of(path, truth_id, plans, environment=(), kind="bench"):
    """What `verify` finds of one truth on a folder of the plans."""
    folder = read_folder(with_environment(factory.write_folder(path, plans, kind=kind), dict(environment)))
    return findings_of_truths(folder, [truth for truth in TRUTHS if truth.id == truth_id])[0]


def with_environment(path, changes):
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["environment"].update(changes)
    (path / "manifest.json").write_text(json.dumps(manifest))
    return path


def group(workload, pass_name, blocks=8, parameters=(), threads=1, purpose="comparison", **behaviours):
    """`glibc=…` is glibc's; settings are given with their spec in a dictionary called `specs`."""
    return GroupPlan(workload, {**behaviours.pop("specs", {}), **behaviours}, pass_name, blocks, purpose,
                     threads=threads, parameters=dict(parameters), baseline="null" if purpose == "own_cost" else "glibc")


def faults(number, cell, spec="glibc", blocks=3):
    return [group("large_churn", "memory", blocks, cell, specs={"glibc": Behaviour(faults_per_operation=0.0),
                                                                spec: Behaviour(faults_per_operation=number)})]


def calls(number, spec="glibc"):
    return [group("large_churn", "system_calls", 2, CHURN_1M, specs={"glibc": Behaviour(calls_per_operation=number),
                                                                     spec: Behaviour(calls_per_operation=number)})]


def times(ratio, spec, workload="large_churn", parameters=CHURN_1M, blocks=8, threads=1):
    return [group(workload, "throughput", blocks, parameters, threads,
                  specs={"glibc": Behaviour(time_ns=2_000.0), spec: Behaviour(time_ns=2_000.0 * ratio)})]


LADDER = {"survivors": 10, "factor": 12}


def resident(rss, live, workload, parameters=(), blocks=3):
    return [group(workload, "memory", blocks, parameters, glibc=Behaviour(rss_bytes=rss * MIB, live_bytes=live * MIB))]


def sharing(near, far):
    return [group("false_sharing_passive", "throughput", 8, {"apart": apart}, 2, glibc=Behaviour(time_ns=time_ns))
            for apart, time_ns in ((16, near), (64, far))]


def ratchet(ratio, threads=64):
    return [group("arena_ratchet", "memory", 3, {}, threads, specs={"glibc": Behaviour(rss_bytes=20 * MIB * ratio),
                                                                    MMAP_128K: Behaviour(rss_bytes=20 * MIB)})]


def service_rss(share):
    return [group("mixed_service", "memory", 3, {}, 4, specs={
        "glibc": Behaviour(rss_bytes=200 * MIB), "glibc:arena_max=1": Behaviour(rss_bytes=int(200 * MIB * share))})]


def orders(second_ratio):
    """tcmalloc is twice as fast as jemalloc in one cell; `second_ratio` in the other."""
    return [group("producer_consumer", "throughput", 12, {"producers": producers}, producers + 1, glibc=Behaviour(time_ns=90.0),
                  jemalloc=Behaviour(time_ns=40.0), tcmalloc=Behaviour(time_ns=40.0 * ratio))
            for producers, ratio in ((1, 0.5), (4, second_ratio))]


SHOWN = {  # truth: folders that show it, and folders that show something else
    "glibc-1m-faults": ([faults(0.0, CHURN_1M)], [faults(257.0, CHURN_1M), faults(0.1, CHURN_1M)]),
    "glibc-1m-system-calls": ([calls(0.0)], [calls(2.0)]),
    "glibc-1m-time": ([times(1.0, "glibc")], [times(200.0, "glibc")]),
    "glibc-mmap-128k-faults": ([faults(257.0, CHURN_1M, MMAP_128K), faults(257.0, CHURN_1M, "glibc:mmap_threshold=131072")],
                               [faults(0.0, CHURN_1M, MMAP_128K), faults(224.0, CHURN_1M, MMAP_128K)]),
    "glibc-mmap-128k-system-calls": ([calls(2.0, MMAP_128K)], [calls(0.0, MMAP_128K), calls(3.0, MMAP_128K)]),
    "glibc-mmap-128k-time": ([times(200.0, MMAP_128K)], [times(1.0, MMAP_128K), times(3000.0, MMAP_128K)]),
    "glibc-mmap-64m-alone-faults": ([faults(224.0, CHURN_1M, MMAP_64M)], [faults(0.0, CHURN_1M, MMAP_64M)]),
    "glibc-mmap-64m-alone-system-calls": ([calls(2.0, MMAP_64M)], [calls(0.0, MMAP_64M)]),
    "glibc-mmap-64m-alone-time": ([times(180.0, MMAP_64M)], [times(1.0, MMAP_64M)]),
    "glibc-both-raised-faults": ([faults(0.0, CHURN_1M, BOTH_RAISED)], [faults(224.0, CHURN_1M, BOTH_RAISED)]),
    "glibc-both-raised-time": ([times(1.0, BOTH_RAISED)], [times(180.0, BOTH_RAISED)]),
    "glibc-trim-1g-alone-faults": ([faults(257.0, CHURN_1M, "glibc:trim_threshold=1G")],
                                   [faults(0.0, CHURN_1M, "glibc:trim_threshold=1G")]),
    "glibc-top-pad-64m-faults": ([faults(0.0, CHURN_1M, "glibc:top_pad=64M")], [faults(192.0, CHURN_1M, "glibc:top_pad=64M")]),
    "glibc-16m-faults": ([faults(0.0, CHURN_16M)], [faults(4097.0, CHURN_16M)]),
    "jemalloc-16m-faults": ([faults(4097.0, CHURN_16M, "jemalloc")], [faults(0.0, CHURN_16M, "jemalloc")]),
    "tcmalloc-16m-faults": ([faults(0.0, CHURN_16M, "tcmalloc")], [faults(4097.0, CHURN_16M, "tcmalloc")]),
    "small-churn-glibc-rss": ([resident(106, 100, "small_churn", {"live": 102_400})],
                              [resident(160, 100, "small_churn", {"live": 102_400}),
                               resident(90, 100, "small_churn", {"live": 102_400})]),
    "fragmentation-ladder-glibc-rss": ([resident(120, 10, "fragmentation_ladder", LADDER)],
                                       [resident(15, 10, "fragmentation_ladder", LADDER)]),
    "false-sharing-passive": ([sharing(60.0, 10.0)], [sharing(10.0, 10.0), sharing(10.0, 60.0)]),
    "arena-ratchet": ([ratchet(30)], [ratchet(1), ratchet(4)]),
    "one-arena-time": ([times(3.0, "glibc:arena_max=1", "mixed_service", {}, threads=4)],
                       [times(1.0, "glibc:arena_max=1", "mixed_service", {}, threads=4)]),
    "one-arena-rss": ([service_rss(0.5)], [service_rss(1.0)]),
    "producer-consumer-order": ([orders(1.8)], [orders(0.5)]),
}


@pytest.mark.parametrize("truth_id", SHOWN)
def test_a_truth_holds_where_it_is_shown_and_not_where_something_else_is(tmp_path, truth_id):
    """Would catch: a verdict that does not depend on the figures, or looks at the wrong ones."""
    for verdict, folders in zip((HOLDS, FAILS), SHOWN[truth_id]):
        for number, plans in enumerate(folders):
            found = finding_of(tmp_path / f"{verdict}-{number}", truth_id, plans)
            assert found.verdict == verdict, (number, found)
            assert all(one.low <= one.value <= one.high for one in found.measured)


def latency_folder(path, allocate_p99_ns, faulted, allocator, **plan):
    """A folder whose latency records say exactly that."""
    factory.write_folder(path, [group("producer_consumer", "latency", threads=2, **plan, **{allocator: Behaviour()})])
    records = factory.read_records(path)
    for record in records:
        record["metrics"].update(allocate_p99_ns=allocate_p99_ns, allocate_faulted_count=faulted,
                                 first_write_faulted_count=0, free_faulted_count=0)
    factory.write_records(path, records)
    return read_folder(path)


@pytest.mark.parametrize("truth_id, allocator, good, bad, plan", [
    ("producer-consumer-glibc-tail", "glibc", (2_500.0, 0), (40_000.0, 0), {}),
    ("null-faults", "null", (40.0, 2), (40.0, 500), {"purpose": "own_cost"})])
def test_truths_of_the_pass_that_times_every_call_go_both_ways(tmp_path, truth_id, allocator, good, bad, plan):
    """Would catch: a tail or the harness's own faults read from another figure."""
    truths = [truth for truth in TRUTHS if truth.id == truth_id]
    for verdict, figures in ((HOLDS, good), (FAILS, bad)):
        folder = latency_folder(tmp_path / verdict, *figures, allocator, **plan)
        assert findings_of_truths(folder, truths)[0].verdict == verdict


def breach_identity(records):
    records[3]["identity"]["library_path"] = ""


def breach_library(records):
    records[3]["identity"]["build_id"] = "11"


def breach_work(records):
    records[3]["work"]["heap_calls_count"] += 1


def breach_check(records):
    records[3].update(status="count_mismatch", status_detail="2 calls more than announced", metrics={})


@pytest.mark.parametrize("truth_id, breach, words", [
    ("identity", breach_identity, "names no library"), ("one-library", breach_library, "so 00 and /synthetic/"),
    ("same-work", breach_work, "100,000 with 200,000 and 100,000 with 200,001"),
    ("checked", breach_check, "2 calls more than announced")])
def test_one_run_that_breaks_a_rule_is_enough_and_is_named(tmp_path, truth_id, breach, words):
    """Would catch: a rule that is kept on average."""
    behaviours = {"glibc": Behaviour(), "jemalloc": Behaviour()}
    path = factory.write_folder(tmp_path / "f", [GroupPlan("small_churn", behaviours, "checked", 4)])
    truths = [truth for truth in TRUTHS if truth.id == truth_id]
    assert findings_of_truths(read_folder(path), truths)[0].verdict == HOLDS
    records = factory.read_records(path)
    breach(records)
    factory.write_records(path, records)
    found = findings_of_truths(read_folder(path), truths)[0]
    assert (found.verdict, found.measured[0].value) == (FAILS, 1.0) and words in found.reason


@pytest.mark.parametrize("ratio, verdict", [(1.0, HOLDS), (1.4, FAILS)])
def test_one_library_under_two_names_takes_the_same_time(tmp_path, ratio, verdict):
    """Would catch: a harness that is slower for one of two equals."""
    plans = [GroupPlan("small_churn", {"glibc": Behaviour(noise=0.02), "again": Behaviour(time_ns=20 * ratio, noise=0.02),
                                       "jemalloc": Behaviour(time_ns=9)}, "throughput", 10)]
    path = factory.write_folder(tmp_path / "f", plans)
    records = factory.read_records(path)
    for record in records:
        record["identity"]["build_id"] = "jj" if record["cell"]["allocator"] == "jemalloc" else "cc"
    factory.write_records(path, records)
    found = findings_of_truths(read_folder(path), [truth for truth in TRUTHS if truth.id == "same-library-time"])[0]
    assert found.verdict == verdict and [(one.allocator, one.against) for one in found.measured] == [("again", "glibc")]


def test_every_truth_is_tried_both_ways_here():
    """Would catch: a truth added without a folder on which it does not hold."""
    tried = {*SHOWN, "producer-consumer-glibc-tail", "null-faults", "same-library-time", "identity", "one-library",
             "same-work", "checked"}
    assert tried == {truth.id for truth in TRUTHS} and len(tried) == len(TRUTHS)
    assert {truth.check.rule for truth in TRUTHS if isinstance(truth.check, EveryRun)} == set(RULES)


def test_two_runs_of_a_time_are_too_few_and_the_line_to_run_is_given(tmp_path):
    """Would catch: a verdict on noise."""
    found = finding_of(tmp_path / "f", "glibc-mmap-128k-time", times(200.0, MMAP_128K, blocks=2))
    assert found.verdict == UNDECIDED and found.reason == "2 runs where it takes 8"
    assert found.remedy == "heapwise bench --workloads large_churn:size=1M,window=1 --allocators 'glibc glibc:mmap_threshold=128K'"


def test_a_group_with_too_few_runs_does_not_take_the_verdict_of_one_with_enough(tmp_path):
    """Would catch: a sweep of three blocks that hides what sixteen blocks say."""
    plans = [*times(200.0, MMAP_128K), replace(times(200.0, MMAP_128K, blocks=3)[0], purpose="sweep")]
    found = finding_of(tmp_path / "f", "glibc-mmap-128k-time", plans)
    assert [one.verdict for one in found.measured] == [HOLDS, UNDECIDED] and found.verdict == HOLDS


def test_an_interval_over_an_end_of_the_tolerance_is_undecided(tmp_path):
    """Would catch: a coin's side taken for a verdict."""
    found = finding_of(tmp_path / "f", "glibc-both-raised-time", times(1.5, BOTH_RAISED, blocks=9))
    assert found.verdict == UNDECIDED and "reaches over an end" in found.reason


def test_allocators_that_seem_to_change_places_are_undecided(tmp_path):
    """Would catch: a reversal made of noise."""
    found = finding_of(tmp_path / "f", "producer-consumer-order", orders(1.01))
    assert found.verdict == UNDECIDED and "not significantly in both cells" in found.reason


def test_two_allocators_that_keep_their_order_leave_open_what_others_do(tmp_path):
    """Would catch: a comparison of two that is called a finding about all."""
    plans = [group("producer_consumer", "throughput", 12, {"producers": producers}, producers + 1,
                   glibc=Behaviour(time_ns=90.0), jemalloc=Behaviour(time_ns=40.0)) for producers in (1, 4)]
    found = finding_of(tmp_path / "f", "producer-consumer-order", plans)
    assert found.verdict == UNDECIDED and "other allocators" in found.reason


def test_one_run_that_faults_breaks_an_exact_truth(tmp_path):
    """Would catch: a fault in one of five runs lost in a median."""
    plans = faults(0.0, CHURN_1M, blocks=5)
    path = factory.write_folder(tmp_path / "f", plans)
    records = factory.read_records(path)
    records[-1]["metrics"]["minor_faults_count"] = 50_000
    factory.write_records(path, records)
    found = findings_of_truths(read_folder(path), [truth for truth in TRUTHS if truth.id == "glibc-1m-faults"])[0]
    assert (found.verdict, found.reason) == (FAILS, "some runs lie outside") and found.measured[0].high == 0.5


def test_runs_that_failed_leave_a_truth_undecided_and_say_why(tmp_path):
    """Would catch: a crash that counts as no faults."""
    plans = [group("large_churn", "memory", 3, CHURN_16M, glibc=Behaviour(),
                   jemalloc=Behaviour(fails=factory.fails_always("timed_out")))]
    found = finding_of(tmp_path / "f", "jemalloc-16m-faults", plans)
    assert found.verdict == UNDECIDED and found.reason == "none of 3 runs has the figure (timed out)"


def test_nothing_retained_at_all_makes_a_ratio_and_no_division_by_zero(tmp_path):
    """Would catch: the clearest case of a ratchet lost because the other side is 0."""
    plans = [replace(ratchet(30)[0], behaviours={"glibc": Behaviour(rss_bytes=600 * MIB), MMAP_128K: Behaviour(rss_bytes=0)})]
    found = finding_of(tmp_path / "f", "arena-ratchet", plans)
    assert found.verdict == HOLDS and found.measured[0].value == pytest.approx(600 * MIB / 4 / 65536)


@pytest.mark.parametrize("truth_id, plans", [
    ("arena-ratchet", ratchet(30, threads=8)), ("small-churn-glibc-rss", resident(300, 100, "small_churn", {"live": 1024})),
    ("glibc-1m-faults", faults(0.0, {"size": MIB, "window": 4})), ("jemalloc-16m-faults", faults(0.0, CHURN_16M)),
    ("producer-consumer-order", orders(1.8)[:1]), ("false-sharing-passive", sharing(60.0, 10.0)[:1])])
def test_other_cells_and_allocators_say_nothing_of_a_truth(tmp_path, truth_id, plans):
    """Would catch: a truth about 64 threads judged on 8, or one about jemalloc on glibc."""
    found = finding_of(tmp_path / "f", truth_id, plans)
    assert found.verdict == ABSENT and found.remedy.startswith("heapwise bench ") and found.reason.startswith("no runs of ")


@pytest.mark.parametrize("environment, words", [
    ({"libc": "musl 1.2"}, "it is about glibc, the folder's C library is musl 1.2"), ({"libc": None}, "unknown"),
    ({"page_bytes": 65536}, "pages of 4096 bytes"), ({"thp": "always"}, "huge pages are `always`")])
def test_exact_values_of_one_libc_are_not_tested_on_another_machine(tmp_path, environment, words):
    """Would catch: musl accused of faults that glibc's thresholds explain."""
    found = finding_of(tmp_path / "f", "glibc-1m-faults", faults(257.0, CHURN_1M), environment)
    assert found.verdict == ABSENT and words in found.reason and found.remedy == ""


def test_false_sharing_is_not_tested_on_one_cpu(tmp_path):
    """Would catch: a machine accused of having no second cache."""
    found = finding_of(tmp_path / "f", "false-sharing-passive", sharing(10.0, 10.0), {"cpus_count": 1})
    assert found.verdict == ABSENT and "2 CPUs" in found.reason


@pytest.mark.parametrize("kind", ["bench", "compare", "gate"])
def test_folders_of_every_kind_can_be_checked(tmp_path, kind):
    """Would catch: a folder of `compare` refused because it is no campaign."""
    assert finding_of(tmp_path / "f", "glibc-mmap-64m-alone-faults", faults(224.0, CHURN_1M, MMAP_64M), kind=kind).verdict == HOLDS


def test_the_document_conforms_to_the_schema_and_says_what_the_table_says(tmp_path, bench_folder, try_folder, capsys):
    """Would catch: a field that only the table has, or a NaN."""
    for folder in (bench_folder, try_folder, REPOSITORY / "results" / "reference" / "aa"):
        code = main(["verify", str(folder), "--json"])
        told = json.loads(capsys.readouterr().out)
        assert Checker("verification").problems(told) == []
        assert main(["verify", str(folder)]) == code
        text = capsys.readouterr().out
        assert all(f"{truth['id']}: " in text for truth in told["truths"])
        assert all(f"{number} {verdict}" in text.splitlines()[-1] for verdict, number in told["counts"].items())
        assert all(len(line) <= 120 for line in text.splitlines() if "heapwise bench" not in line)


def test_the_exit_code_says_whether_all_holds_something_does_not_or_nothing_was_there(tmp_path, capsys):
    """Would catch: a CI job that is green because nothing was checked."""
    good = factory.write_folder(tmp_path / "good", faults(0.0, CHURN_1M))
    bad = factory.write_folder(tmp_path / "bad", faults(257.0, CHURN_1M))
    failed = [group("small_churn", "throughput", 2, glibc=Behaviour(fails=factory.fails_always("crashed")))]
    none = factory.write_folder(tmp_path / "none", failed)
    assert [main(["verify", str(folder)]) for folder in (good, bad, none, tmp_path / "nowhere")] == [0, 1, 4, 2]
    assert "nowhere" in capsys.readouterr().err


def test_the_committed_campaign_shows_every_exact_truth(capsys):
    """Would catch: reference results, or a table of truths, that went wrong."""
    main(["verify", str(REPOSITORY / "results" / "reference" / "full"), "--json"])
    told = {truth["id"]: truth for truth in json.loads(capsys.readouterr().out)["truths"]}
    exact = [truth for truth in told.values() if truth["tolerance"] and truth["tolerance"]["every_run"]]
    assert len(exact) > 10 and {truth["verdict"] for truth in exact} == {HOLDS}


def test_the_specs_of_the_truths_are_in_the_grammar_of_specs():
    """Would catch: a truth that no spec can ever match."""
    specs = {getattr(truth.check, field.name) for truth in TRUTHS for field in fields(truth.check)
             if field.name in ("allocator", "against")}
    assert all(":" not in spec or all(parse_spec(spec)[1].values()) for spec in specs)


def test_the_subcommand_runs_as_typed(tmp_path):
    """Would catch: an exit code lost on the way out."""
    folder = factory.write_folder(tmp_path / "bad", faults(257.0, CHURN_1M))
    done = subprocess.run([sys.executable, "-m", "heapwise", "verify", str(folder)], capture_output=True, text=True, check=False,
                          env={"PYTHONPATH": str(REPOSITORY / "scripts"), "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 1 and "does not hold" in done.stdout, done.stderr
