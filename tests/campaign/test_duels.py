"""`heapwise compare` and `gate` on real allocators: what is recorded, and how it ends. Never asserts times."""
from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from heapwise_command import ROOT, Heapwise, manifest, records, summary

ONE_MIB = "large_churn:size=1M,window=1,operations=200"
TWO_CELLS = f"small_churn:live=1K,operations=20K {ONE_MIB}"
KEEPING, MAPPING = "glibc", "glibc:mmap_threshold=128K"


def lockstep(folder: Path) -> list[dict]:
    return [record for record in records(folder) if record["cell"]["pass"] == "lockstep"]


def test_two_processes_take_turns_on_the_same_objects(heapwise: Heapwise) -> None:
    """Catches sides that did other work, pairs that are not fresh, faults that the turns themselves make."""
    answer = heapwise.run("compare", "glibc", "refmalloc", "--workloads", TWO_CELLS, "--pairs", "8", "--out", "duel")
    assert answer.code == 0, answer.err
    folder = heapwise.folder / "duel"
    pairs: dict[tuple[int, int], list[dict]] = {}
    for record in lockstep(folder):
        assert record["status"] == "ok", record["status_detail"]
        pairs.setdefault((record["group"], record["block"]), []).append(record)
    plan = manifest(folder)["plan"]
    for (group, _), pair in pairs.items():
        one, other = pair
        assert one["seed"] == other["seed"]
        assert one["work"]["operations_count"] == other["work"]["operations_count"]
        assert one["work"]["requested_bytes"] == other["work"]["requested_bytes"]
        assert {record["cell"]["allocator"] for record in pair} == {"glibc", "refmalloc"}
        slicing = plan[group]["slicing"]
        assert len(one["metrics"]["slice_ns"]) == len(other["metrics"]["slice_ns"]) == slicing["slices_count"]
    for index, group in enumerate(plan):
        blocks = sum(key[0] == index for key in pairs)
        assert blocks >= 8 or group["pass"] != "lockstep"
    glibc = [record for record in lockstep(folder)
             if record["cell"]["workload"] == "large_churn" and record["cell"]["allocator"] == "glibc"]
    assert all(record["metrics"]["minor_faults_count"] == 0 for record in glibc)


def test_a_table_for_each_workload_and_json_say_the_same(heapwise: Heapwise) -> None:
    """Catches metrics that do not come along, and a difference of two hundred times that nobody sees."""
    answer = heapwise.run("compare", KEEPING, MAPPING, "--workloads", ONE_MIB, "--pairs", "8", "--out", "duel")
    assert answer.code == 0, answer.err
    for words in ("time/op", "minor faults/op", "peak RSS", "system calls/op", "worse ▲", "A (baseline): glibc"):
        assert words in answer.out
    found = {entry["metric"]: entry for entry in summary(heapwise.folder / "duel")["comparisons"]}
    assert found["wall_per_operation_ns"]["verdict"] == "worse"
    assert found["minor_faults_per_operation"]["baseline_median"] == 0
    assert 256 <= found["minor_faults_per_operation"]["median"] <= 257
    assert found["system_calls_per_operation"]["median"] == 2


def test_threads_alternate_whole_runs(heapwise: Heapwise) -> None:
    """Catches threads in slices on one CPU, where none of them would run beside another."""
    answer = heapwise.run("compare", "glibc", "jemalloc", "--workloads", "producer_consumer:operations=20K",
                          "--pairs", "8", "--out", "duel")
    assert answer.code == 0, answer.err
    passes = {group["pass"]: group for group in manifest(heapwise.folder / "duel")["plan"]}
    assert set(passes) == {"throughput", "memory", "system_calls"}
    assert all(group["blocks"] >= 8 and "slicing" not in group for group in passes.values())


def test_a_time_too_short_for_a_verdict_is_inconclusive_and_says_what_is_missing(heapwise: Heapwise) -> None:
    """Catches a budget that runs out and passes for a result."""
    answer = heapwise.run("compare", "glibc", "jemalloc", "--workloads", "small_churn:live=100K,operations=500K",
                          "--time-budget", "1s", "--out", "duel")
    assert answer.code == 4, answer.err
    assert "Inconclusive" in answer.err and "--resume" in answer.err
    more = heapwise.run("compare", "--resume", "duel")
    assert more.code in (0, 4), more.err


def test_a_side_that_crashes_is_a_result_and_its_partner_is_not_blamed(heapwise: Heapwise, evil: Path) -> None:
    """Catches a comparison that hangs on a dead process, and figures of half a pair."""
    answer = heapwise.run("compare", "glibc", f"evil={evil}/libevil_crash.so", "--workloads",
                          "small_churn:live=1K,operations=200K", "--pairs", "8", "--out", "duel")
    assert answer.code == 1, answer.err
    statuses = {record["cell"]["allocator"].split("=")[0]: record["status"] for record in lockstep(heapwise.folder / "duel")}
    assert statuses == {"glibc": "partner_failed", "evil": "crashed"}
    assert all(record["metrics"] == {} for record in lockstep(heapwise.folder / "duel"))
    assert "crashed" in answer.out


def test_an_interrupted_comparison_goes_on(heapwise: Heapwise) -> None:
    """Catches Ctrl-C that loses pairs or leaves a worker waiting for its turn."""
    process = heapwise.start("compare", "glibc", "jemalloc", "--workloads", "small_churn:live=1K,operations=20K",
                             "--pairs", "300", "--out", "duel")
    runs = heapwise.folder / "duel" / "runs.jsonl"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (runs.exists() and runs.read_text().count("\n") > 8):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    before = len(records(heapwise.folder / "duel"))
    plan = heapwise.folder / "duel" / "manifest.json"
    shorter = json.loads(plan.read_text())  # what is left of the plan, without waiting for all of it
    for group in shorter["plan"]:
        group["blocks"] = 10
    plan.write_text(json.dumps(shorter))
    answer = heapwise.run("compare", "--resume", "duel")
    assert answer.code == 0, answer.err
    assert len(records(heapwise.folder / "duel")) >= before


@pytest.mark.parametrize(("words", "said"), [
    (["compare"], "two specs or two folders"),
    (["compare", "glibc"], "two specs or two folders"),
    (["compare", "glibc", "glibc"], "named twice"),
    (["compare", "glibc", "jemaloc"], "did you mean 'jemalloc'"),
    (["compare", "glibc", "."], "is a folder and"),
    (["compare", "results/before", "results/after"], "'results/before' is no folder; name one that heapwise bench wrote"),
    (["gate", "--baseline", "glibc", "--candidate", "./libmine.so"], "mine=./libmine.so"),
    (["compare", "glibc", "jemalloc", "--workloads", "smal_churn"], "did you mean 'small_churn'"),
    (["compare", "glibc", "jemalloc", "--time-budget", "5"], "write 90s, 5m or 1h"),
    (["compare", "glibc", "jemalloc", "--pairs", "0"], "--pairs"),
    (["compare", "glibc", "jemalloc", "--pairs", "9", "--time-budget", "5s"], "excludes"),
    (["compare", "--resume", "nowhere"], "no campaign"),
    (["gate"], "--baseline and --candidate"),
    (["gate", "--baseline", "glibc", "--candidate", "."], "is a folder and"),
    (["gate", "--baseline", "glibc", "--candidate", "jemalloc", "--detect", "0"], "--detect"),
    (["gate", "--comparisons", "3"], "--aa"),
    (["gate", "--aa", "--workloads", "producer_consumer"], "single-threaded"),
])
def test_wrong_input_is_refused_with_a_remedy(heapwise: Heapwise, words: list[str], said: str) -> None:
    """Catches input that is ignored, and a measurement that begins before it can end."""
    answer = heapwise.run(*words)
    assert answer.code == 2
    assert said in answer.err
    assert not (heapwise.folder / "results").exists()


def test_the_gate_confirms_a_regression_and_writes_it_for_people_and_machines(heapwise: Heapwise) -> None:
    """Catches a gate that passes what is two hundred times slower, or alarms without measuring again."""
    answer = heapwise.run("gate", "--baseline", KEEPING, "--candidate", MAPPING, "--workloads", ONE_MIB,
                          "--pairs", "8", "--out", "gate", timeout_seconds=180)
    assert answer.code == 1, answer.err
    folder = heapwise.folder / "gate"
    confirmed = manifest(folder / "confirmation")["plan"]
    assert confirmed and all(group["blocks"] >= 16 for group in confirmed)
    document = json.loads((folder / "gate.json").read_text())
    regressions = {one["metric"] for one in document["judgements"] if one["outcome"] == "regression"}
    assert {"wall_per_operation_ns", "minor_faults_per_operation", "system_calls_per_operation"} <= regressions
    assert "<failure" in (folder / "gate.xml").read_text()
    assert "regression" in (folder / "gate.md").read_text().splitlines()[0]
    again = heapwise.run("gate", "--resume", "gate")
    assert again.code == 1, again.err


def test_the_gate_judges_two_folders_by_what_does_not_depend_on_the_hour(heapwise: Heapwise) -> None:
    """Catches two sittings whose times are compared, and equal counts that are called different."""
    for name in ("before", "after"):
        made = heapwise.run("bench", "--profile", "smoke", "--workloads", ONE_MIB, "--allocators", "glibc", "--out", name)
        assert made.code == 0, made.err
    answer = heapwise.run("gate", "--baseline", "before", "--candidate", "after", "--out", "verdict")
    assert answer.code in (0, 4), answer.out + answer.err  # smoke has one block of each pass: too few to be sure
    assert (heapwise.folder / "verdict" / "gate.xml").exists()
    compared = heapwise.run("compare", "before", "after", "--json")
    assert compared.code == 0, compared.err
    entries = json.loads(compared.out)["comparisons"]
    assert not any(entry["verdict"] in ("worse", "better") for entry in entries if entry["metric_class"] == "noisy")


def test_a_calibration_measures_alarms_and_finds_what_is_injected(heapwise: Heapwise) -> None:
    """Catches an injector that does not arrive, and a candidate that is worse by memory and faults and passes."""
    answer = heapwise.run("gate", "--aa", "--workloads", "large_churn:min=128K,max=1M,window=4,operations=100",
                          "--comparisons", "2", "--injected", "2", "--time-per-comparison", "1s", "--seed", "3",
                          "--out", "aa", timeout_seconds=180)
    assert answer.code == 0, answer.err
    document = json.loads((heapwise.folder / "aa" / "calibration.json").read_text())
    assert document["aa"]["total"]["comparisons_count"] == 2
    for name, least in (("rss_peak_growth_bytes", 0.02), ("minor_faults_per_operation", 0.003)):
        row = next(row for row in document["memory"]["rows"] if row["metric"] == name)
        assert row["effect_median"] > least
    assert manifest(heapwise.folder / "aa" / "time")["plan"][0]["injection"]["time_share"] > 0.01
    again = heapwise.run("gate", "--aa", "--resume", "aa", "--json")
    assert again.code == 0 and json.loads(again.out)["kind"] == "calibration", again.err


def test_verify_and_export_are_reached_through_the_command(heapwise: Heapwise) -> None:
    """Catches subcommands that the installed command does not know."""
    reference = str(ROOT / "results" / "reference" / "full")
    assert "holds" in heapwise.run("verify", reference).out
    exported = heapwise.run("export", reference, "--format", "google-benchmark")
    assert exported.code == 0 and json.loads(exported.out)["benchmarks"], exported.err
    assert "usage" in heapwise.run("verify", "--help").out
    assert heapwise.run("export", "nowhere", "--format", "google-benchmark").code == 2
