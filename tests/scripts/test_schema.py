"""results/schema.json: every record the factory makes conforms, and what must not be stored is refused."""

import copy
import json

import factory
import pytest
from conftest import REPOSITORY
from heapwise.commands import validate
from heapwise.records.folder import read_run_lines
from heapwise.records.schema import Checker, load_schema
from heapwise.commands.summarize import to_json


@pytest.fixture(scope="module")
def records(bench_folder, try_folder, program_folder):
    return [record for folder in (bench_folder, try_folder, program_folder) for record in factory.read_records(folder)]


def ok_record(records, pass_name):
    return copy.deepcopy(next(r for r in records if r["status"] == "ok" and r["cell"]["pass"] == pass_name))


def test_every_folder_and_its_summary_conform(bench_folder, try_folder, program_folder, service_folder, bench_summary, try_summary,
                                              program_summary, service_summary):
    """Would catch: a field written under a name that the schema does not list."""
    for folder in (bench_folder, try_folder, program_folder, service_folder):
        found, count = validate.problems(folder)
        assert found == [] and count == len(factory.read_records(folder))
    for summary in (bench_summary, try_summary, program_summary, service_summary):
        assert Checker("summary").problems(json.loads(to_json(summary))) == []


def test_the_committed_results_still_conform():
    """Would catch: a schema that outlaws the results that were measured before it."""
    for folder in (file.parent for file in sorted((REPOSITORY / "results" / "reference").glob("*/manifest.json"))):
        for kind in ("manifest", "summary"):
            assert Checker(kind).problems(json.loads((folder / f"{kind}.json").read_text())) == [], folder.name
        every_tenth = [record for _, record in read_run_lines(folder)[0]][::10]
        assert [problem for record in every_tenth for problem in Checker("run_record").problems(record)] == [], folder.name


@pytest.mark.parametrize("change", [
    lambda r: r["metrics"].pop("live_bytes"), lambda r: r.pop("outcome"), lambda r: r.update(status="client_failed"),
    lambda r: r["outcome"].update(files=[{"path": "a"}]), lambda r: r["outcome"].update(remarks="one"),
    lambda r: r["metrics"].update(user_rps="fast"), lambda r: r["timeline"].update(tree_bytes=[1.5])])
def test_what_a_run_of_a_program_must_not_hold_is_refused(records, change):
    """Would catch: a share without what it is a share of, and figures of a run whose client failed."""
    record = ok_record(records, "malloc_share")
    record.update(timeline={})
    assert Checker("run_record").problems(record) == []
    change(record)
    assert Checker("run_record").problems(record)


@pytest.mark.parametrize("status", ["setup_failed", "client_failed", "too_much_output"])
def test_the_statuses_of_programs_are_known(records, status):
    """Would catch: a journal that its own schema refuses once a client fails."""
    record = ok_record(records, "command")
    record.update(status=status, metrics={}, timeline={})
    assert Checker("run_record").problems(record) == []


def test_a_users_metric_cannot_take_a_built_in_name(program_folder):
    """Would catch: a metric called cpu_ns, whose user_cpu_ns is the CPU time."""
    manifest = json.loads((program_folder / "manifest.json").read_text())
    assert Checker("manifest").problems(manifest) == []
    manifest["plan"][0]["metrics"][0]["name"] = "cpu_ns"
    assert Checker("manifest").problems(manifest)


def test_a_program_is_a_command_or_a_server_with_its_client(program_folder):
    """Would catch: a server that nobody drives."""
    manifest = json.loads((program_folder / "manifest.json").read_text())
    del manifest["programs"][0]["drive"]
    assert Checker("manifest").problems(manifest)


def test_the_schema_itself_is_valid():
    """Would catch: a misspelt keyword that checks nothing."""
    import jsonschema
    jsonschema.Draft7Validator.check_schema(load_schema())


@pytest.mark.parametrize("status", ["crashed", "timed_out", "wrong_allocator", "setting_contradicted", "interrupted"])
@pytest.mark.parametrize("field", ["metrics", "histograms", "timeline", "statistics"])
def test_figures_of_a_failed_run_are_refused(records, status, field):
    """Would catch: a crash recorded as 0.00 s."""
    figures = {"metrics": {"wall_per_operation_ns": 0.0}, "histograms": {"allocate_ns": [[1, 1]]},
               "timeline": {"operations_count": [0]}, "statistics": {"end": {"mmap_count": 1}}}
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


@pytest.mark.parametrize("statistics", [{"after": {}}, {"end": {"mapped": 1}}, {"end": {"mapped_pages": 1}},
                                        {"end": {"mapped_bytes": -1}}, {"end": {"mapped_bytes": None}}])
def test_statistics_without_a_unit_or_a_figure_are_refused(records, statistics):
    """Would catch: pages summed with bytes, a -1 for `unknown` that becomes a difference."""
    record = ok_record(records, "memory")
    record["statistics"] = {"end": {"mapped_bytes": 1, "mmap_count": 0}}
    assert Checker("run_record").problems(record) == []
    record["statistics"] = statistics
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
