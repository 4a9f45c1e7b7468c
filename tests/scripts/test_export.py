"""`export`: other tools' files, read by the tools themselves."""

import json
import subprocess
from pathlib import Path

import factory
import numpy as np
import pytest
from factory import Behaviour, GroupPlan, MIB
from heapwise.__main__ import main

COMPARE = Path("/usr/share/benchmark/compare.py")
PYTHON = "/usr/bin/python3"  # Debian's compare.py is for Debian's interpreter and its scipy
EXPORT = ("export", "--format", "google-benchmark")


def plans(blocks=10, **changes):
    behaviours = {"glibc": Behaviour(noise=0.02), "jemalloc": Behaviour(time_ns=10.0, noise=0.02), **changes}
    return [GroupPlan("small_churn", behaviours, "throughput", blocks),
            GroupPlan("producer_consumer", behaviours, "throughput", blocks, threads=2),
            GroupPlan("small_churn", behaviours, "memory", 3)]


def exported(folder, *words):
    """The document of an export as typed, from its file."""
    file = folder / f"{'-'.join(words).replace('/', '_') or 'all'}.json"
    assert main([*EXPORT, str(folder), *words, "--out", str(file)]) == 0
    return json.loads(file.read_text())


def repetitions(document, name):
    return [one for one in document["benchmarks"] if one["name"] == name]


def test_a_block_is_a_repetition_and_a_cell_a_benchmark(tmp_path):
    """Would catch: repetitions in another order than the blocks, or times in another unit."""
    folder = factory.write_folder(tmp_path / "f", plans())
    document = exported(folder)
    records = [record for record in factory.read_records(folder)
               if record["cell"]["allocator"] == "glibc" and record["cell"]["pass"] == "throughput"]
    for name, workload in (("small_churn", "small_churn"), ("producer_consumer, 2 threads", "producer_consumer")):
        runs = sorted((record for record in records if record["cell"]["workload"] == workload), key=lambda record: record["block"])
        entries = repetitions(document, name)
        assert [entry["real_time"] for entry in entries] == [run["metrics"]["wall_per_operation_ns"] for run in runs]
        assert [entry["cpu_time"] for entry in entries] == [run["metrics"]["cpu_per_operation_ns"] for run in runs]
        assert [entry["repetition_index"] for entry in entries] == list(range(10))
        assert {(entry["run_type"], entry["time_unit"], entry["iterations"], entry["repetitions"], entry["run_name"])
                for entry in entries} == {("iteration", "ns", factory.OPERATIONS, 10, name)}
    assert {one["threads"] for one in repetitions(document, "producer_consumer, 2 threads")} == {2}


def test_aggregates_are_those_of_the_repetitions(tmp_path):
    """Would catch: a mean over failed runs, or a deviation of another definition than Google's."""
    document = exported(factory.write_folder(tmp_path / "f", plans()))
    times = [one["real_time"] for one in repetitions(document, "small_churn")]
    told = {one["aggregate_name"]: one for one in document["benchmarks"] if one["run_name"] == "small_churn" and "aggregate_name" in one}
    assert {name: one["real_time"] for name, one in told.items()} == pytest.approx({
        "mean": np.mean(times), "median": np.median(times), "stddev": np.std(times, ddof=1),
        "cv": np.std(times, ddof=1) / np.mean(times)})
    assert {(one["run_type"], one["iterations"], one["name"]) for one in told.values()} == {
        ("aggregate", 10, f"small_churn_{name}") for name in told}


def test_the_context_is_the_folders_machine(tmp_path):
    """Would catch: the machine that exports in the place of the one that measured, or its plain name."""
    context = exported(factory.write_folder(tmp_path / "f", plans()))["context"]
    assert (context["host_name"], context["num_cpus"], context["mhz_per_cpu"], context["library_build_type"]) == ("synthetic", 2, 0, "release")
    assert context["date"] == "2023-11-14T22:13:20+00:00" and context["heapwise_allocator"] == "glibc"


def test_runs_without_figures_have_no_entry_and_are_counted(tmp_path, capsys):
    """Would catch: a crash exported as 0 ns."""
    behaviour = Behaviour(fails=lambda pass_name, block: ("crashed", "") if block < 3 else None)
    document = exported(factory.write_folder(tmp_path / "f", plans(jemalloc=behaviour)), "--allocator", "jemalloc")
    assert len(repetitions(document, "small_churn")) == 7 and all(one["real_time"] > 0 for one in document["benchmarks"])
    assert [one["repetition_index"] for one in repetitions(document, "small_churn")] == list(range(7))
    assert "6 runs of jemalloc have no figures and are left out" in capsys.readouterr().err


def test_an_allocator_that_always_fails_is_an_error(tmp_path, capsys):
    """Would catch: an empty file that compares as equal to everything."""
    folder = factory.write_folder(tmp_path / "f", plans(jemalloc=Behaviour(fails=factory.fails_always("library_missing"))))
    assert main([*EXPORT, str(folder), "--allocator", "jemalloc"]) == 2
    assert "none of 20 runs of jemalloc has figures" in capsys.readouterr().err


def lockstep_folder(path):
    """A throughput group and a lockstep group of one cell. The records of the second are made from the first's kind."""
    behaviours = {"glibc": Behaviour(), "jemalloc": Behaviour()}
    groups = [GroupPlan("small_churn", behaviours, "throughput", 8), GroupPlan("small_churn", behaviours, "memory", 8)]
    factory.write_folder(path, groups, kind="compare")
    records, manifest = factory.read_records(path), json.loads((path / "manifest.json").read_text())
    for record in records:
        if record["cell"]["pass"] == "memory":
            record["cell"]["pass"] = "lockstep"
            record["metrics"].update(wall_per_operation_ns=33.0, cpu_per_operation_ns=32.0, slice_ns=[1.0])
    manifest["plan"][1]["pass"] = "lockstep"
    (path / "manifest.json").write_text(json.dumps(manifest))
    factory.write_records(path, records)
    return path


def test_the_lockstep_runs_of_a_cell_have_a_name_of_their_own_and_counters(tmp_path):
    """Would catch: slices of two processes mixed with whole runs under one name, or memory lost."""
    folder = lockstep_folder(tmp_path / "f")
    both = exported(folder)
    assert len(repetitions(both, "small_churn")) == len(repetitions(both, "small_churn (lockstep)")) == 8
    entry = repetitions(both, "small_churn (lockstep)")[0]
    assert entry["real_time"] == 33.0 and entry["minor_faults_per_operation"] > 0 and entry["rss_peak_growth_bytes"] > MIB
    assert "rss_peak_growth_bytes" not in repetitions(both, "small_churn")[0]
    alone = exported(folder, "--pass", "lockstep")
    assert [one["real_time"] for one in repetitions(alone, "small_churn")] == [33.0] * 8


def test_programs_are_exported_with_their_whole_time_and_the_users_metrics(tmp_path):
    """Would catch: a program's time divided by something, or its rate lost."""
    groups = factory.command_groups(user_metrics=(factory.RATE,), glibc=Behaviour(user_figures=lambda block: {"rps": 100.0}))
    document = exported(factory.write_folder(tmp_path / "t", groups, kind="try"))
    record = next(r for r in factory.read_records(tmp_path / "t") if r["cell"]["allocator"] == "glibc" and r["block"] == 0)
    entry = repetitions(document, "./service --synthetic")[0]
    metrics = record["metrics"]
    assert (entry["real_time"], entry["iterations"]) == (metrics["wall_ns"], 1)
    assert entry["cpu_time"] == metrics["user_cpu_ns"] + metrics["system_cpu_ns"] and entry["user_rps"] == metrics["user_rps"]


def test_the_sweep_is_in_a_file_of_its_own(bench_folder, tmp_path):
    """Would catch: a mean over all cells that takes the sweep's cell into the baseline's file only."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in ("manifest.json", "runs.jsonl"):
        (folder / name).write_bytes((bench_folder / name).read_bytes())
    sweep_cell = {"large_churn:size=1M"}
    named = [{one["run_name"] for one in exported(folder, *words)["benchmarks"]} for words in (
        [], ["--allocator", "jemalloc"], ["--sweep"], ["--allocator", "glibc:top_pad=64M"])]
    assert named == [{"small_churn", "producer_consumer, 2 threads"}] * 2 + [sweep_cell] * 2


@pytest.mark.parametrize("words, said", [
    (["--allocator", "jemaloc"], "did you mean 'jemalloc'? It has: glibc jemalloc"), (["--allocator", "zzz"], "'zzz' in "),
    (["--pass", "lockstep"], "there are no times to export"), (["--sweep"], "there are no times to export")])
def test_what_is_not_there_is_an_error_that_lists_what_is(tmp_path, capsys, words, said):
    """Would catch: an empty export, or a traceback, for a typing error."""
    folder = factory.write_folder(tmp_path / "f", plans())
    assert main([*EXPORT, str(folder), *words]) == 2
    assert said in capsys.readouterr().err


def test_it_prints_where_no_file_is_named(tmp_path, capsys):
    """Would catch: a word before the JSON that another tool reads."""
    folder = factory.write_folder(tmp_path / "f", plans())
    assert main([*EXPORT, str(folder)]) == 0
    assert json.loads(capsys.readouterr().out)["context"]["num_cpus"] == 2


def compare_py(*words):
    done = subprocess.run([PYTHON, str(COMPARE), "--no-color", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(not COMPARE.is_file(), reason="libbenchmark-tools is not installed: scripts/bootstrap")
def test_googles_own_compare_reads_two_exports_and_tests_them(tmp_path):
    """Would catch: a file that only looks like Google Benchmark's."""
    folder = factory.write_folder(tmp_path / "f", plans())
    files = [tmp_path / f"{name}.json" for name in ("glibc", "jemalloc")]
    for file in files:
        assert main([*EXPORT, str(folder), "--allocator", file.stem, "--out", str(file)]) == 0
    dump = tmp_path / "report.json"
    lines = compare_py("-d", dump, "benchmarks", *files)
    for name in ("small_churn", "producer_consumer, 2 threads"):
        assert sum(line.startswith(f"{name}  ") for line in lines) == 10
        tested = next(line for line in lines if line.startswith(f"{name}_pvalue"))
        assert "U Test, Repetitions: 10 vs 10" in tested and "WARNING" not in tested
    report = {one["name"]: one for one in json.loads(dump.read_text())}
    median = report["small_churn_median"]["measurements"][0]
    assert median["time"] == pytest.approx(-0.5, abs=0.05) and median["real_time"] > median["real_time_other"]
    assert report["small_churn"]["utest"]["time_pvalue"] < 0.05
    assert report["OVERALL_GEOMEAN"]["measurements"][0]["time"] == pytest.approx(-0.5, abs=0.05)


@pytest.mark.skipif(not COMPARE.is_file(), reason="libbenchmark-tools is not installed: scripts/bootstrap")
def test_googles_own_compare_sees_nothing_between_a_file_and_itself(tmp_path):
    """Would catch: names or orders that let a cell be compared with another."""
    folder = factory.write_folder(tmp_path / "f", plans())
    file = tmp_path / "glibc.json"
    assert main([*EXPORT, str(folder), "--out", str(file)]) == 0
    dump = tmp_path / "report.json"
    compare_py("-d", dump, "benchmarks", file, file)
    report = json.loads(dump.read_text())
    assert report and all(measurement["time"] == 0 for one in report for measurement in one["measurements"])
