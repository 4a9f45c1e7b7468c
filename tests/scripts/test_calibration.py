"""How a calibration is cut into comparisons and what is counted in it. All data is synthetic."""

import json

import factory
import numpy as np
import pytest
from heapwise.inference import calibration
from heapwise.inference.calibration import STAGES, calibration_of
from heapwise.output.calibration_tables import calibration_tables
from heapwise.errors import HeapwiseError
from heapwise.records.schema import Checker

PAIRS = 8
COMPARISONS = 30


def campaign(path, effect, seed, comparisons=COMPARISONS, noise=0.005, rss=1.0):
    """Pairs whose slices differ by `effect`, and by a noise of each pair."""
    random = np.random.default_rng(seed)
    sides = {"glibc": factory.Behaviour(noise=0.01), "glibc=PATH": factory.Behaviour(noise=0.01, rss_bytes=int(64 * rss * factory.MIB))}
    folder = factory.write_folder(path, [factory.GroupPlan("w", sides, "lockstep", blocks=PAIRS * comparisons)], kind="gate", seed=seed)
    factory.change_manifest(folder, lambda manifest: manifest["plan"][0].update(comparison_blocks=PAIRS))
    of_pair = np.exp(random.normal(effect, noise, PAIRS * comparisons))
    records = factory.read_records(folder)
    for record in records:
        factor = of_pair[record["block"]] if record["cell"]["allocator"] != "glibc" else 1.0
        record["metrics"]["slice_ns"] = [1e6 * factor] * 4
        record["started_unix_ns"] = 10**18 + record["block"] * 125_000_000
    factory.write_records(folder, records)
    return folder


@pytest.fixture(scope="module", autouse=True)
def fewer_gates():
    """A hundred drawn gates show an alarm as well as a thousand."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "GATES_DRAWN", 100)
        yield


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    path = tmp_path_factory.mktemp("calibration")
    campaign(path / "aa", 0.0, 1)
    campaign(path / "time", np.log(1.03), 2)
    campaign(path / "memory", 0.0, 3, rss=1.03)
    return path


@pytest.fixture(scope="module")
def document(calibrated):
    return calibration_of(calibrated)


def test_the_document_conforms_to_the_schema(document):
    """Would catch: a field that the only list of fields does not know."""
    assert Checker("calibration").problems(json.loads(json.dumps(document))) == []


def test_successive_pairs_of_a_group_are_one_comparison(document):
    """Would catch: pairs of two comparisons mixed, or some used twice."""
    row = document["aa"]["rows"][0]
    assert (row["comparisons_count"], row["pairs_count"]) == (COMPARISONS, PAIRS)
    assert row["comparison_seconds"] == pytest.approx(PAIRS * 0.125)


def test_the_deviation_is_that_of_the_comparisons_not_of_the_pairs(document):
    """Would catch: a standard deviation that is too large or too small by the root of the pairs."""
    assert document["aa"]["total"]["effect_sd"] == pytest.approx(0.005 / np.sqrt(PAIRS), rel=0.4)


def test_nothing_is_found_where_nothing_differs_and_what_differs_is_found(document):
    """Would catch: signs or sides exchanged, a gate that never alarms, a gate that always does."""
    assert document["aa"]["total"]["alarms_count"] <= 5
    assert document["aa"]["gates"]["alarms_count"] <= 1
    time = document["time"]["rows"][0]
    assert time["effect_median"] == pytest.approx(0.03, abs=0.003)
    assert time["worse_count"] == time["found_count"] == COMPARISONS
    memory = next(row for row in document["memory"]["rows"] if row["metric"] == "rss_peak_growth_bytes")
    assert memory["found_count"] == COMPARISONS


def test_a_gate_that_would_alarm_is_seen_to_alarm(calibrated, tmp_path):
    """Would catch: drawn gates whose alarms are not counted: here every A/A pair of a cell leans to one side."""
    campaign(tmp_path / "aa", np.log(1.03), 4)
    for stage in STAGES[1:]:
        (tmp_path / stage).symlink_to(calibrated / stage)
    aa = calibration_of(tmp_path)["aa"]
    assert aa["total"]["alarms_count"] == COMPARISONS
    assert aa["gates"]["alarms_count"] > 0.9 * aa["gates"]["gates_count"]


def test_a_campaign_that_is_too_short_says_how_to_go_on(calibrated, tmp_path):
    """Would catch: a share of one comparison."""
    campaign(tmp_path / "aa", 0.0, 1, comparisons=1)
    for stage in STAGES[1:]:
        (tmp_path / stage).symlink_to(calibrated / stage)
    with pytest.raises(HeapwiseError, match="at least two comparisons"):
        calibration_of(tmp_path)


def test_pairs_that_failed_are_told_and_not_averaged(calibrated, tmp_path):
    """Would catch: an allocator that crashes now and then, whose calibration has fewer pairs than it says, or a traceback."""
    folder = campaign(tmp_path / "aa", 0.0, 1)
    records = factory.read_records(folder)
    for record in records[:2]:
        record.update(status="crashed", metrics={})
    factory.write_records(folder, records)
    with pytest.raises(HeapwiseError, match="have no figures"):
        calibration_of(tmp_path)


def test_both_tables_have_a_row_for_each_cell(document):
    """Would catch: a table that drops what was measured."""
    alarms, found = calibration_tables(document)
    assert len(alarms.rows) == len(document["aa"]["rows"]) + 1
    assert len(found.rows) == len(document["time"]["rows"]) + len(document["memory"]["rows"])
    assert all(len(row) == len(table.headings) for table in (alarms, found) for row in table.rows)
