"""Judges whether a candidate has regressed, for a CI job: prints the verdict and exits with it.

    python -m heapwise gate DIR [--detect 3] [--json]                          the judgement of a measured gate
    python -m heapwise gate DIR --flag                                         which groups to measure again
    python -m heapwise gate --baseline DIR_A --candidate DIR_B [--out DIR]     the judgement of two result folders

    DIR           a folder that `heapwise gate` measured; its flagged groups measured again are in DIR/confirmation
    --flag        judge nothing, print {"groups": [...]}: the groups of DIR's plan in which the screen flags a metric
    --detect PCT  slower by so many percent must be found: a time too noisy for that is inconclusive (default 3)
    --baseline    the result folder of the version that is known to be good
    --candidate   the result folder of the version to judge
    --json        print gate.json instead of the tables
    --out DIR     where gate.json, gate.md and gate.xml (JUnit) go; default: into a measured gate's own folder, and
                  nowhere for two folders

`heapwise.inference.policy` has the rules. Exit codes: 0 pass, 1 regression, 2 error, 3 incomparable, 4 inconclusive.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from .. import SCHEMA_VERSION
from ..errors import HeapwiseError
from ..inference.gate_runs import nothing_ran, runs_of_folders, runs_of_pairs
from ..inference.policy import DETECT, GateResult, Judgement, is_flagged, judge, judge_folders, run_key
from ..inference.summary import summarize_folder
from ..output.gate_text import markdown_gate, terminal_gate
from ..output.junit import junit_xml
from ..output.render import fitted, wants_colour
from ..records.folder import ResultFolder, read_folder
from .summarize import to_json, write_text

Document = dict[str, Any]
CONFIRMATION = "confirmation"
CELL_FIELDS = ("workload", "parameters", "threads", "pass", "purpose", "title", "allocator", "baseline")
LEAST_DETECT_PERCENT = 1.0  # effects on time below it are never claimed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, nargs="?", help="a folder that `heapwise gate` measured")
    parser.add_argument("--flag", action="store_true", help="print the groups to measure again, as JSON")
    parser.add_argument("--detect", metavar="PCT", type=float, default=100 * DETECT, help="must be found, in percent")
    parser.add_argument("--baseline", metavar="DIR_A", type=Path, help="the result folder to compare with")
    parser.add_argument("--candidate", metavar="DIR_B", type=Path, help="the result folder to judge")
    parser.add_argument("--json", action="store_true", help="print gate.json instead of the tables")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where gate.json, gate.md and gate.xml go")


def run(arguments: argparse.Namespace) -> int:
    _check(arguments)
    if arguments.flag:
        print(json.dumps({"groups": flagged_groups(read_folder(arguments.directory))}))
        return 0
    if arguments.directory:
        result, document = measured_gate(arguments.directory, arguments.detect / 100)
    else:
        result, document = folders_gate(read_folder(arguments.baseline), read_folder(arguments.candidate))
    _write(document, arguments.out or arguments.directory)
    if arguments.json:
        sys.stdout.write(to_json(document))
    else:
        sys.stdout.write(fitted(terminal_gate(document, wants_colour(sys.stdout)), sys.stdout))
    return result.exit_code


def _check(arguments: argparse.Namespace) -> None:
    folders = (arguments.baseline, arguments.candidate)
    if bool(arguments.directory) == any(folders) or (any(folders) and not all(folders)):
        raise HeapwiseError("the gate judges one folder that it measured, or two result folders. "
                            "Name DIR, or both --baseline DIR_A and --candidate DIR_B.")
    if arguments.flag and not arguments.directory:
        raise HeapwiseError("--flag is for a folder that the gate measured: nothing of two folders can be measured "
                            "again. Leave it out.")
    if not LEAST_DETECT_PERCENT <= arguments.detect <= 100:
        raise HeapwiseError(f"--detect {arguments.detect:g} is not between {LEAST_DETECT_PERCENT:g} and 100 percent. "
                            "Effects on time below 1 % are never claimed.")


def flagged_groups(folder: ResultFolder) -> list[int]:
    """The indexes into the plan of the groups in which the screen flags a metric."""
    flagged = {run_key(entry) for entry in _entries(folder) if is_flagged(entry)}
    return [index for index, runs in enumerate(runs_of_pairs(folder, None)) if run_key(runs.cell) in flagged]


def measured_gate(path: Path, detect: float) -> tuple[GateResult, Document]:
    """The judgement of DIR, with DIR/confirmation where that was measured."""
    folder = read_folder(path)
    again = read_folder(path / CONFIRMATION) if (path / CONFIRMATION).is_dir() else None
    runs = runs_of_pairs(folder, again)
    if reason := nothing_ran(folder):
        raise HeapwiseError(f"nothing ran to its end in {path}: {reason}. Try both libraries with `heapwise bench "
                            "--profile smoke --allocators SPEC`.")
    result = judge(_entries(folder), _entries(again) if again else (), runs, detect)
    specs = {runs[0].cell["baseline"]: "baseline", runs[0].cell["allocator"]: "candidate"}
    sides = {specs[one["spec"]]: {"title": one["spec"], "allocators": [one]}
             for one in folder.manifest["allocators"] if one["spec"] in specs}
    notes = [*folder.notes, *(f"confirmation: {note}" for note in (again.notes if again else ()))]
    return result, _document(result, sides, notes, detect=detect)


def folders_gate(baseline: ResultFolder, candidate: ResultFolder,
                 compare: Callable[[ResultFolder, ResultFolder], Any] | None = None) -> tuple[GateResult, Document]:
    """The judgement of two result folders; `compare` sets them against each other."""
    if compare is None:
        from ..inference.folder_comparison import compare_folders as compare
    compared = compare(baseline, candidate)
    result = judge_folders(compared.entries, runs_of_folders(baseline, candidate), bool(compared.refused))
    sides = {side: {"title": str(folder.path), "allocators": folder.manifest["allocators"]}
             for side, folder in (("baseline", baseline), ("candidate", candidate))}
    return result, _document(result, sides, compared.notes, [asdict(one) for one in compared.refused])


def _entries(folder: ResultFolder) -> list[Mapping[str, Any]]:
    titles = {run_key(runs.cell): runs.cell["title"] for runs in runs_of_pairs(folder, None)}
    return [{**entry, "title": titles[run_key(entry)]} for entry in summarize_folder(folder)["comparisons"]
            if run_key(entry) in titles]


def _document(result: GateResult, sides: Mapping[str, Any], notes: Sequence[str], refused: Sequence[Any] = (),
              detect: float | None = None) -> Document:
    """gate.json, as the schema's `gate`."""
    return {"schema_version": SCHEMA_VERSION, "kind": "gate", "verdict": result.verdict, "exit_code": result.exit_code,
            "detect": detect, "baseline": sides["baseline"], "candidate": sides["candidate"], "counts": result.counts,
            "judgements": [_judgement(one) for one in result.judgements], "refused": list(refused),
            "notes": list(notes)}


def _judgement(one: Judgement) -> Document:
    cell = {name: one.cell[name] for name in CELL_FIELDS}
    return {**cell, "metric": one.metric, "outcome": one.outcome, "cause": one.cause, "reason": one.reason,
            "screen": one.screen, "confirmation": one.confirmation, "p_holm": one.p_holm}


def _write(document: Document, directory: Path | None) -> None:
    if directory is None:
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HeapwiseError(f"{directory} cannot be made: {error.strerror}. Name another folder with --out.") from error
    for name, text in (("gate.json", to_json(document)), ("gate.md", markdown_gate(document)),
                       ("gate.xml", junit_xml(document))):
        write_text(directory / name, text)
