"""results/schema.json: every record the factory makes conforms, and what must not be stored is refused."""

import copy
import json

import factory
import pytest
from heapwise import validate
from heapwise.schema import Checker, load_schema
from heapwise.summarize import to_json


@pytest.fixture(scope="module")
def records(bench_folder, try_folder):
    return factory.read_records(bench_folder) + factory.read_records(try_folder)


def ok_record(records, pass_name):
    return copy.deepcopy(next(r for r in records if r["status"] == "ok" and r["cell"]["pass"] == pass_name))


def test_every_folder_and_its_summary_conform(bench_folder, try_folder, bench_summary, try_summary):
    """Would catch: a field written under a name that the schema does not list."""
    for folder in (bench_folder, try_folder):
        found, count = validate.problems(folder)
        assert found == [] and count == len(factory.read_records(folder))
    for summary in (bench_summary, try_summary):
        assert Checker("summary").problems(json.loads(to_json(summary))) == []


def test_the_schema_itself_is_valid():
    """Would catch: a misspelt keyword that checks nothing."""
    import jsonschema
    jsonschema.Draft7Validator.check_schema(load_schema())


@pytest.mark.parametrize("status", ["crashed", "timed_out", "wrong_allocator", "setting_contradicted", "interrupted"])
@pytest.mark.parametrize("field", ["metrics", "histograms", "timeline"])
def test_figures_of_a_failed_run_are_refused(records, status, field):
    """Would catch: a crash recorded as 0.00 s."""
    figures = {"metrics": {"wall_per_operation_ns": 0.0}, "histograms": {"allocate_ns": [[1, 1]]},
               "timeline": {"operations_count": [0]}}
    record = ok_record(records, "throughput")
    record.update(status=status, metrics={})
    assert Checker("run_record").problems(record) == []
    record[field] = figures[field]
    assert Checker("run_record").problems(record)


@pytest.mark.parametrize("pass_name, metric", [
    ("throughput", "wall_per_operation_ns"), ("latency", "allocate_p50_ns"), ("memory", "rss_before_bytes"),
    ("system_calls", "mremap_count"), ("command", "wall_ns")])
def test_an_ok_run_without_its_pass_figures_is_refused(records, pass_name, metric):
    """Would catch: an `ok` that measured nothing."""
    record = ok_record(records, pass_name)
    del record["metrics"][metric]
    assert Checker("run_record").problems(record)


@pytest.mark.parametrize("change", [
    lambda r: r.update(status="fine"), lambda r: r.update(extra=1), lambda r: r["metrics"].update(wall_per_operation_us=1),
    lambda r: r.update(schema_version=2), lambda r: r["cell"].pop("allocator"), lambda r: r["metrics"].update(brk_count=1.5),
    lambda r: r["metrics"].update(cpu_per_operation_ns=None), lambda r: r.update(outcome={}), lambda r: r.pop("work")])
def test_what_the_schema_does_not_list_is_refused(records, change):
    """Would catch: two programs that agree on a field only by luck."""
    record = ok_record(records, "throughput")
    assert Checker("run_record").problems(record) == []
    change(record)
    assert Checker("run_record").problems(record)


def test_a_command_that_ended_has_an_outcome(records):
    """Would catch: an exit code lost, so that a failing program looks fast."""
    record = ok_record(records, "command")
    del record["outcome"]
    assert Checker("run_record").problems(record)


def test_a_summary_with_an_unknown_verdict_is_refused(bench_summary):
    """Would catch: a verdict that no reader of summary.json knows."""
    summary = json.loads(to_json(bench_summary))
    summary["comparisons"][0]["verdict"] = "equal"
    assert Checker("summary").problems(summary)
