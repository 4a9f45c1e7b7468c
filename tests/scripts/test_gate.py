"""`gate` as typed: which groups are measured again, each exit code, and what is written for people and for CI."""

import json
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree

import factory
import pytest
from factory import Behaviour, GroupPlan, change_manifest, gate_groups
from heapwise.__main__ import main
from heapwise.errors import HeapwiseError
from heapwise.records.folder import read_folder
from heapwise.commands.gate import flagged_groups, folders_gate, measured_gate
from heapwise.output.gate_text import markdown_gate, terminal_gate
from heapwise.output.junit import junit_xml
from heapwise.output.render import TERMINAL_WIDTH
from heapwise.records.schema import Checker
from heapwise.commands.summarize import to_json

QUIET = Behaviour(noise=0.004)
SLOWER = replace(QUIET, time_ns=21.2, faults_per_operation=0.152)


def failing(status="crashed", only_pass=None):
    return replace(QUIET, fails=factory.fails_always(status, only_pass=only_pass))


def gate(path, screen, confirmation=None):
    """A folder as the gate's C++ part writes it."""
    factory.write_folder(path, screen, kind="gate")
    if confirmation:
        factory.write_folder(path / "confirmation", confirmation, kind="gate", seed=8)
    return path


def judged(path, detect=0.03):
    return measured_gate(path, detect)


def exit_code(path, *words):
    return main(["gate", str(path), *words])


def outcomes(document):
    return {(one["workload"], one["pass"], one["metric"]): one["outcome"] for one in document["judgements"]}


def eventful(path):
    """All outcomes: a slowdown that is confirmed, memory that is not, a noisy cell, a better one, one that crashes."""
    larger = replace(QUIET, rss_bytes=66 * factory.MIB)
    noisy, better = Behaviour(noise=0.15), replace(QUIET, time_ns=18.0)
    screen = [*gate_groups(QUIET, SLOWER), *gate_groups(QUIET, larger, workload="large_churn"),
              *gate_groups(noisy, noisy, workload="noisy_churn"), *gate_groups(QUIET, better, workload="better_churn"),
              *gate_groups(QUIET, failing(only_pass="system_calls"), workload="crashing_churn")]
    again = [gate_groups(QUIET, SLOWER, blocks=16)[0], gate_groups(QUIET, QUIET, blocks=16, workload="large_churn")[0]]
    return gate(path, screen, again)


@pytest.fixture(scope="module")
def eventful_folder(tmp_path_factory):
    return eventful(tmp_path_factory.mktemp("gate"))


@pytest.fixture(scope="module")
def document(eventful_folder):
    return judged(eventful_folder)[1]


def test_the_groups_to_measure_again_are_those_with_something_flagged(eventful_folder, capsys):
    """Would catch: indexes of other groups, a group without suspicion, or words around the JSON that C++ reads."""
    assert exit_code(eventful_folder, "--flag") == 0
    assert json.loads(capsys.readouterr().out) == {"groups": [0, 2]}
    assert not (eventful_folder / "gate.json").exists(), "--flag judges nothing"


def test_one_flagged_metric_flags_its_group_once(tmp_path):
    """Would catch: a group measured again once for each of its metrics, or a system call more that nobody checks."""
    more_calls = replace(QUIET, time_ns=25.0, rss_bytes=80 * factory.MIB, calls_per_operation=0.021)
    assert flagged_groups(read_folder(gate(tmp_path, gate_groups(QUIET, more_calls)))) == [0, 1]


def test_every_outcome_is_found_where_it_belongs(document):
    """Would catch: a confirmation matched to another cell, pass or metric."""
    found = outcomes(document)
    lockstep = {key[::2]: value for key, value in found.items() if key[1] == "lockstep"}
    assert lockstep["small_churn", "wall_per_operation_ns"] == "regression"
    assert lockstep["small_churn", "minor_faults_per_operation"] == "regression"
    assert lockstep["large_churn", "rss_peak_growth_bytes"] == "not_confirmed"
    assert lockstep["noisy_churn", "wall_per_operation_ns"] == "inconclusive"
    assert lockstep["better_churn", "wall_per_operation_ns"] == "improvement"
    assert found["crashing_churn", "system_calls", None] == "regression"
    assert found["crashing_churn", "system_calls", "system_calls_per_operation"] == "not_judged"
    assert lockstep["small_churn", "vsz_peak_bytes"] == "pass"


def test_the_documents_say_what_the_golden_ones_say(document, golden):
    """Would catch: a verdict, an order, a figure or a word that changes unnoticed."""
    golden("gate.md", markdown_gate(document))
    golden("gate.txt", terminal_gate(document))
    assert max(map(len, terminal_gate(document).splitlines())) <= TERMINAL_WIDTH


def test_the_document_is_as_the_schema_says(document, tmp_path):
    """Would catch: a field that the one list of fields does not know."""
    assert Checker("gate").problems(json.loads(to_json(document))) == []
    _, folders = folders_gate(*two_folders(tmp_path, bench(QUIET), bench(QUIET)))
    assert Checker("gate").problems(json.loads(to_json(folders))) == []


def test_what_is_written_and_printed_is_one_judgement(tmp_path, capsys):
    """Would catch: a JSON on the screen that differs from the file, or a file that is missing."""
    folder = eventful(tmp_path)
    assert exit_code(folder, "--json") == 1
    written = json.loads((folder / "gate.json").read_text())
    assert json.loads(capsys.readouterr().out) == written
    assert (written["verdict"], written["exit_code"], written["detect"]) == ("regression", 1, 0.03)
    assert (folder / "gate.md").read_text().startswith("**REGRESSION: new=./new.so against old=./old.so: 3 regressions")
    ElementTree.parse(folder / "gate.xml")


def test_a_ci_service_finds_each_judgement_as_a_test(document):
    """Would catch: a regression that a CI page shows as passed, or counts that do not add up."""
    suite = ElementTree.fromstring(junit_xml(document)).find("testsuite")
    cases = {(case.get("classname"), case.get("name")): case for case in suite.iter("testcase")}
    assert len(cases) == len(document["judgements"]) == int(suite.get("tests"))
    failure = cases["small_churn", "time/op"].find("failure")
    assert failure.get("message").startswith("+") and "in 16 pairs, p " in failure.get("message")
    assert cases["crashing_churn", "runs (system calls)"].find("failure").get("message") == \
        "crashed (signal 11) in 8 of 8 runs"
    assert "slower could hide" in cases["noisy_churn", "time/op"].find("skipped").get("message")
    assert not list(cases["better_churn", "time/op"]) and not list(cases["large_churn", "peak RSS"])
    for attribute, tag in (("failures", "failure"), ("skipped", "skipped"), ("errors", "error")):
        assert int(suite.get(attribute)) == len(list(suite.iter(tag)))
    properties = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert properties["candidate"] == "new=./new.so" and properties["candidate.new=./new.so.build_id"] == "00"
    assert properties["baseline.old=./old.so.library_path"]


def test_odd_characters_in_specs_survive(tmp_path):
    """Would catch: XML that no parser reads, or a row torn apart by a bar in a path."""
    specs = ("old=./a&b<c>\"d'|é.so", "new=./line\nbreak\x01\ud800.so")
    result, document = judged(gate(tmp_path, gate_groups(QUIET, failing(), specs=specs)))
    suite = ElementTree.fromstring(junit_xml(document).encode("utf-8")).find("testsuite")
    properties = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert properties["baseline"] == specs[0]
    assert properties["candidate"] == "new=./line\nbreak\ufffd\ufffd.so"
    assert "a&amp;b&lt;c>" in markdown_gate(document) and "line break" in markdown_gate(document)
    assert result.exit_code == 1


def test_equal_libraries_pass_with_zero(tmp_path, capsys):
    """Would catch: a gate that alarms without cause, or says nothing of what it looked at."""
    assert exit_code(gate(tmp_path, gate_groups(QUIET, QUIET))) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "PASS: new=./new.so against old=./old.so: 8 passes"


def test_a_crash_in_lockstep_is_the_candidates_and_its_partner_is_not_blamed(tmp_path):
    """Would catch: a baseline called broken because the candidate's crash ended its pair, and exit code 2 or 4."""
    result, document = judged(gate(tmp_path, gate_groups(failing("partner_failed"), failing())[:1]))
    assert result.exit_code == 1
    assert [(one["outcome"], one["reason"]) for one in document["judgements"]] == \
        [("regression", "crashed (signal 11) in 8 of 8 runs")]


def test_a_crash_that_shows_only_in_the_confirmation_counts(tmp_path):
    """Would catch: a crash in one of sixteen runs, seen and not said."""
    rare = replace(SLOWER, fails=lambda pass_name, block: ("crashed", "") if block == 12 else None)
    folder = gate(tmp_path, gate_groups(QUIET, SLOWER), [gate_groups(QUIET, rare, blocks=20)[0]])
    first = judged(folder)[1]["judgements"][0]
    assert (first["outcome"], first["reason"]) == ("regression", "crashed (signal 11) in 1 of 28 runs")


def test_a_baseline_that_crashes_is_an_error_to_ci_and_inconclusive(tmp_path):
    """Would catch: a regression or a pass against something that does not run."""
    partner = failing("partner_failed", only_pass="lockstep")
    folder = gate(tmp_path, gate_groups(failing(only_pass="lockstep"), partner))
    result, document = judged(folder)
    assert result.exit_code == 4 and document["judgements"][0]["cause"] == "baseline_failed"
    suite = ElementTree.fromstring(junit_xml(document)).find("testsuite")
    assert suite.get("errors") == "1" and suite.find("testcase/error").get("message").startswith("baseline crashed")


def test_nothing_that_runs_on_either_side_is_an_error(tmp_path, capsys):
    """Would catch: `inconclusive`, which asks for more time, where a path is mistyped."""
    missing = failing("library_missing")
    assert exit_code(gate(tmp_path, gate_groups(missing, missing))) == 2
    message = capsys.readouterr().err
    assert "nothing ran to its end" in message and "library missing" in message and "heapwise bench" in message


def test_a_budget_too_small_for_eight_pairs_is_inconclusive(tmp_path, capsys):
    """Would catch: a gate that passes because the time ran out before it saw anything."""
    assert exit_code(gate(tmp_path, gate_groups(QUIET, QUIET, blocks=5))) == 4
    assert "5 of 8 pairs: 3 missing" in capsys.readouterr().out


def test_a_group_that_was_never_reached_is_inconclusive(tmp_path):
    """Would catch: a plan of two groups judged by the one that was measured."""
    folder = gate(tmp_path, gate_groups(QUIET, QUIET))
    factory.write_records(folder, [record for record in factory.read_records(folder)
                                   if record["cell"]["pass"] == "lockstep"])
    result, document = judged(folder)
    assert result.exit_code == 4 and outcomes(document)["small_churn", "system_calls", None] == "inconclusive"
    assert "8 were planned" in document["judgements"][0]["reason"]


def test_a_confirmation_cut_short_is_inconclusive(tmp_path):
    """Would catch: a suspicion dropped because nobody had the time to look again."""
    folder = gate(tmp_path, gate_groups(QUIET, SLOWER), [gate_groups(QUIET, SLOWER, blocks=9)[0]])
    result, document = judged(folder)
    assert result.exit_code == 4 and document["judgements"][0]["cause"] == "confirmation_incomplete"
    assert judged(gate(tmp_path / "without", gate_groups(QUIET, SLOWER)))[0].exit_code == 4


def test_detect_is_in_percent_and_has_a_sensible_range(tmp_path, capsys):
    """Would catch: 3 taken for 300 %, or a promise to find what is never claimed."""
    noisy = Behaviour(noise=0.02)
    folder = gate(tmp_path, gate_groups(noisy, noisy))
    assert exit_code(folder, "--detect", "1") == 4 and exit_code(folder, "--detect", "20") == 0
    capsys.readouterr()
    assert exit_code(folder, "--detect", "0.5") == 2
    assert "--detect 0.5 is not between 1 and 100 percent" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["DIR", "--baseline", "DIR", "--candidate", "DIR"], ["--baseline", "DIR"],
                                   ["--flag", "--baseline", "DIR", "--candidate", "DIR"]])
def test_what_cannot_be_judged_together_is_refused(tmp_path, capsys, words):
    """Would catch: one folder of two silently ignored."""
    gate(tmp_path, gate_groups(QUIET, QUIET))
    assert main(["gate", *(str(tmp_path) if word == "DIR" else word for word in words)]) == 2
    assert capsys.readouterr().err.startswith("heapwise: ")


def test_a_folder_of_more_than_two_allocators_is_no_gates(small_folder, capsys):
    """Would catch: the second of three allocators judged as the candidate."""
    assert exit_code(small_folder) == 2
    assert "sets 2 allocators against glibc" in capsys.readouterr().err


def bench(refmalloc, glibc=QUIET, passes=("throughput", "memory", "system_calls"), blocks=8):
    behaviours = {"glibc": glibc, "refmalloc": refmalloc}
    return [GroupPlan("small_churn", behaviours, name, blocks, parameters={"live": 10_000}) for name in passes]


def two_folders(path, before, after):
    return (read_folder(factory.write_folder(path / "before", before, seed=7)),
            read_folder(factory.write_folder(path / "after", after, seed=8)))


def gate_folders(path, before, after, *words):
    two_folders(path, before, after)
    return main(["gate", "--baseline", str(path / "before"), "--candidate", str(path / "after"), *words])


def test_two_equal_folders_pass_and_nothing_is_written_unasked(tmp_path, capsys):
    """Would catch: an alarm between two sittings of one library, or files written into somebody's results."""
    assert gate_folders(tmp_path, bench(QUIET), bench(QUIET)) == 0
    assert not list(tmp_path.glob("*/gate.*"))
    assert "without a common baseline" in capsys.readouterr().out, "glibc's own time is not judged, and that is said"


def test_memory_and_calls_that_grew_between_folders_are_regressions(tmp_path):
    """Would catch: a growth that needs a pair to be seen; and three runs a side taken for none."""
    grown = replace(QUIET, rss_bytes=66 * factory.MIB, calls_per_operation=0.021)
    few = {"blocks": 3, "passes": ("memory", "system_calls")}
    assert gate_folders(tmp_path, bench(QUIET, **few), bench(grown, **few), "--out", str(tmp_path / "new" / "out")) == 1
    written = json.loads((tmp_path / "new" / "out" / "gate.json").read_text())
    worse = {(one["allocator"], one["metric"]) for one in written["judgements"] if one["outcome"] == "regression"}
    assert ("refmalloc", "rss_peak_growth_bytes") in worse and ("refmalloc", "system_calls_per_operation") in worse
    assert {name for name, _ in worse} == {"refmalloc"}
    names = [case.get("name") for case in ElementTree.parse(tmp_path / "new" / "out" / "gate.xml").iter("testcase")]
    assert "peak RSS of refmalloc" in names and len(set(names)) == len(names)
    assert (tmp_path / "new" / "out" / "gate.md").read_text().startswith("**REGRESSION: ")


def test_time_that_got_slower_between_folders_is_inconclusive(tmp_path, capsys):
    """Would catch: a regression in time that two sittings cannot confirm, or silence about it."""
    assert gate_folders(tmp_path, bench(QUIET), bench(replace(QUIET, time_ns=26.0))) == 4
    assert "keep both libraries and measure them" in " ".join(capsys.readouterr().out.split())


def test_a_crash_that_only_the_candidate_folder_has_is_a_regression(tmp_path):
    """Would catch: an integrity check that fails since yesterday, in a pass that has no metrics."""
    corrupting = failing("integrity_failed", only_pass="checked")
    passes = ("memory", "checked")
    assert gate_folders(tmp_path, bench(QUIET, passes=passes), bench(corrupting, passes=passes)) == 1
    assert gate_folders(tmp_path, bench(corrupting, passes=passes), bench(QUIET, passes=passes)) == 4


def test_an_allocator_that_is_missing_in_both_folders_stops_nothing(tmp_path):
    """Would catch: a gate that never passes because one of seven allocators is not installed."""
    missing = failing("library_missing")
    assert gate_folders(tmp_path, bench(missing), bench(missing)) == 0


def test_refused_time_is_said_and_the_rest_is_judged(tmp_path, capsys):
    """Would catch: another CPU that makes system calls incomparable, or a pass that hides what was refused."""
    two_folders(tmp_path, bench(QUIET), bench(replace(QUIET, time_ns=40.0)))
    change_manifest(tmp_path / "after", lambda manifest: manifest["environment"].update(cpu_model="Other CPU"))
    words = ["gate", "--baseline", str(tmp_path / "before"), "--candidate", str(tmp_path / "after"),
             "--out", str(tmp_path / "out")]
    assert main(words) == 0
    assert "! time is not compared: cpu_model is 'Synthetic CPU' in A and 'Other CPU' in B" in capsys.readouterr().out
    assert "- time is not compared" in (tmp_path / "out" / "gate.md").read_text()


def test_unlike_machines_are_incomparable(tmp_path, capsys):
    """Would catch: a pass, or a regression, from two machines that have nothing in common."""
    two_folders(tmp_path, bench(QUIET), bench(failing()))
    change_manifest(tmp_path / "after", lambda manifest: manifest["environment"].update(isa="other"))
    words = ["gate", "--baseline", str(tmp_path / "before"), "--candidate", str(tmp_path / "after"),
             "--out", str(tmp_path / "out")]
    assert main(words) == 3
    assert "INCOMPARABLE" in capsys.readouterr().out
    assert ElementTree.parse(tmp_path / "out" / "gate.xml").find(".//testcase/skipped") is not None


def test_folders_without_a_common_cell_are_an_error(tmp_path, capsys):
    """Would catch: a pass because there was nothing to compare."""
    other = [replace(group, workload="large_churn") for group in bench(QUIET)]
    assert gate_folders(tmp_path, bench(QUIET), other) == 2
    assert "nothing to compare" in capsys.readouterr().err


def test_the_comparison_of_the_folders_is_the_one_that_was_given(tmp_path):
    """Would catch: a second way to compare two folders."""
    def refuse_all(baseline, candidate):
        return SimpleNamespace(entries=(), refused=(), notes=("asked",))

    result, document = folders_gate(*two_folders(tmp_path, bench(QUIET), bench(failing())), compare=refuse_all)
    assert document["notes"] == ["asked"] and result.verdict == "regression", "the runs are judged all the same"


def test_a_plan_without_groups_is_an_error(tmp_path):
    """Would catch: success from an empty campaign."""
    with pytest.raises(HeapwiseError, match="plan of .* is empty"):
        judged(gate(tmp_path, []))
