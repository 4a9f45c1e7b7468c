"""What is compared inside a block: whole runs by their figures, processes in lockstep by their slices."""

import factory
import numpy as np
import pytest
from heapwise.records.folder import read_folder
from heapwise.records.pairs import pairs_of
from heapwise.records.metrics import METRICS
from heapwise.inference.summary import summarize_folder
from heapwise.records.work import GroupWork

TIME = next(metric for metric in METRICS if metric.name == "wall_per_operation_ns" and metric.pass_name == "lockstep")
SIDES = {"glibc": factory.Behaviour(), "jemalloc": factory.Behaviour()}


def lockstep_folder(path, slices_of, blocks=8):
    """A folder whose slices are as `slices_of(allocator, block)` says."""
    folder = factory.write_folder(path, [factory.GroupPlan("w", SIDES, "lockstep", blocks=blocks)], kind="compare")
    records = factory.read_records(folder)
    for record in records:
        record["metrics"]["slice_ns"] = [float(value) for value in slices_of(record["cell"]["allocator"], record["block"])]
    factory.write_records(folder, records)
    return folder


def test_an_effect_that_every_slice_shows_is_found_through_a_drift_that_is_larger(tmp_path):
    """Would catch: slices averaged over each process before they are compared, so that the machine's mood is in the ratio."""
    mood = np.exp(np.random.default_rng(5).normal(0, 0.5, (12, 40)))
    folder = lockstep_folder(tmp_path / "f", lambda name, block: 1e6 * mood[block] * (1.02 if name == "jemalloc" else 1.0), blocks=12)
    entry = next(one for one in summarize_folder(read_folder(folder))["comparisons"] if one["metric"] == TIME.name)
    assert entry["ratio"] == pytest.approx(1.02)
    assert entry["verdict"] == "worse"


def test_one_slice_that_was_interrupted_does_not_move_a_pair(tmp_path):
    """Would catch: a mean of slices, which one pause of the host decides."""
    def slices(name, block):
        values = np.full(15, 1e6)
        values[block] *= 50 if name == "jemalloc" else 1
        return values
    folder = read_folder(lockstep_folder(tmp_path / "f", slices))
    assert pairs_of(GroupWork(folder.groups[0]), "jemalloc", TIME).logs == pytest.approx(np.zeros(8))


def test_a_pair_of_processes_counts_once_however_many_slices_it_has(tmp_path):
    """Would catch: slices that are resampled as if each were a process of its own."""
    few = read_folder(lockstep_folder(tmp_path / "few", lambda name, block: np.full(4, 1e6)))
    many = read_folder(lockstep_folder(tmp_path / "many", lambda name, block: np.full(400, 1e6)))
    for folder in (few, many):
        assert len(pairs_of(GroupWork(folder.groups[0]), "jemalloc", TIME).logs) == 8


def test_memory_and_faults_of_a_lockstep_are_those_of_whole_processes(tmp_path):
    """Would catch: the slices' ratio in the place of every other metric's."""
    sides = {"glibc": factory.Behaviour(faults_per_operation=2.0), "jemalloc": factory.Behaviour(faults_per_operation=4.0)}
    folder = factory.write_folder(tmp_path / "f", [factory.GroupPlan("w", sides, "lockstep")], kind="compare")
    found = {one["metric"]: one for one in summarize_folder(read_folder(folder))["comparisons"]}
    assert found["minor_faults_per_operation"]["ratio"] == pytest.approx(2.0, rel=0.01)
    assert found["rss_peak_growth_bytes"]["verdict"] == "same"


def test_a_pair_of_which_one_side_failed_is_left_out(tmp_path):
    """Would catch: the partner of a crash, which has no figures either, taken for a figure."""
    crash = factory.Behaviour(fails=lambda _, block: ("crashed", "") if block == 2 else None)
    partner = factory.Behaviour(fails=lambda _, block: ("partner_failed", "") if block == 2 else None)
    folder = read_folder(factory.write_folder(
        tmp_path / "f", [factory.GroupPlan("w", {"glibc": partner, "jemalloc": crash}, "lockstep", blocks=9)], kind="compare"))
    assert len(pairs_of(GroupWork(folder.groups[0]), "jemalloc", TIME).logs) == 8
