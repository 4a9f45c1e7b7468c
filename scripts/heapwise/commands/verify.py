"""Checks what is known to be true of allocators on a result folder.

    python -m heapwise verify DIR [--json]

    DIR     a result folder: of `heapwise bench`, `try`, `compare` or `gate`
    --json  print the document instead of the table

Each truth says what is true of which allocators and why; the folder's own runs say whether it shows
there: `holds`, `does not hold`, `undecided` (too few runs, or an interval that reaches over an end of
what is expected) or `not in this folder`, with the line that would measure it. A truth that does not
hold is a finding about the machine, an allocator's version or the suite: look into it before any other
figure of the folder is believed. `heapwise.inference.truths` has the table, `heapwise.inference.evidence` the rules.
Exit codes: 0 everything that could be checked holds, 1 something does not hold, 2 error, 4 nothing
could be checked.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Mapping, Sequence

from .. import SCHEMA_VERSION
from ..inference.evidence import ABSENT, BREACHES, FAILS, HOLDS, RATIO, UNDECIDED, Finding, Measured, findings_of_truths
from ..inference.truths import TRUTHS, EveryRun, OrderChanges, Tolerance, Truth
from ..labels import quantity, ratio
from ..output.render import environment_line, fitted, terminal_table, wants_colour, wrapped
from ..output.tables import Table, Text
from ..records.folder import ResultFolder, read_folder
from .summarize import to_json

VERDICTS = (HOLDS, FAILS, UNDECIDED, ABSENT)
_TONES = {HOLDS: "better", FAILS: "worse", UNDECIDED: "failed"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help="a result folder")
    parser.add_argument("--json", action="store_true", help="print the document instead of the table")


def run(arguments: argparse.Namespace) -> int:
    folder = read_folder(arguments.directory)
    findings = findings_of_truths(folder, TRUTHS)
    if arguments.json:
        sys.stdout.write(to_json(document(folder, findings)))
    else:
        sys.stdout.write(fitted(as_text(folder, findings, wants_colour(sys.stdout)), sys.stdout))
    return exit_code(findings)


def exit_code(findings: Sequence[Finding]) -> int:
    verdicts = {finding.verdict for finding in findings}
    return 1 if FAILS in verdicts else 0 if HOLDS in verdicts else 4


def document(folder: ResultFolder, findings: Sequence[Finding]) -> dict[str, Any]:
    """The verification as results/schema.json has it."""
    manifest, counts = folder.manifest, Counter(finding.verdict for finding in findings)
    return {"schema_version": SCHEMA_VERSION, "kind": manifest["kind"],
            "created_unix_ns": manifest.get("created_unix_ns", 0), "environment": manifest["environment"],
            "truths": [_entry(finding) for finding in findings],
            "counts": {verdict: counts[verdict] for verdict in VERDICTS}}


def _entry(finding: Finding) -> dict[str, Any]:
    allowed = tolerance_of(finding.truth)
    return {"id": finding.truth.id, "sentence": finding.truth.sentence, "source": finding.truth.source,
            "verdict": finding.verdict, "reason": finding.reason, "remedy": finding.remedy,
            "tolerance": {"low": allowed.low, "high": allowed.high, "every_run": allowed.every_run} if allowed else None,
            "measured": [_measured_entry(one) for one in finding.measured]}


def _measured_entry(one: Measured) -> dict[str, Any]:
    return {"title": one.title, "pass": one.pass_name, "allocator": one.allocator, "against": one.against,
            "unit": one.unit, "value": one.value, "low": one.low, "high": one.high, "runs_count": one.runs_count,
            "verdict": one.verdict, "reason": one.reason}


def tolerance_of(truth: Truth) -> Tolerance | None:
    """What a figure may be; None where an order is checked and no figure."""
    if isinstance(truth.check, EveryRun):
        return Tolerance(0.0, 0.0, every_run=True)
    return None if isinstance(truth.check, OrderChanges) else truth.check.tolerance


def as_text(folder: ResultFolder, findings: Sequence[Finding], colour: bool = False) -> str:
    """What was checked as a table, what was not with the line that measures it, and the counts."""
    checked = [finding for finding in findings if finding.verdict != ABSENT]
    lines = terminal_table(_table(folder.manifest, checked), colour) if checked else []
    absent = [finding for finding in findings if finding.verdict == ABSENT]
    lines += [f"{ABSENT}:"] if absent else []
    for finding in absent:
        lines += wrapped(f"{finding.truth.id}: {finding.truth.sentence}", "  ")
        lines += wrapped(finding.reason, "      ")
        lines += [f"      {finding.remedy}"] if finding.remedy else []
    counts = Counter(finding.verdict for finding in findings)
    lines += ["", f"{len(findings)} truths: " + ", ".join(f"{counts[one]} {one}" for one in VERDICTS)]
    return "\n".join(lines).lstrip("\n") + "\n"


def _table(manifest: Mapping[str, Any], findings: Sequence[Finding]) -> Table:
    rows, notes = [], []
    for finding in findings:
        rows.extend(_rows(finding))
        if finding.reason or finding.remedy:
            subject = f"{finding.truth.id} {finding.verdict}"
            notes.append(": ".join(filter(None, (subject, finding.reason, finding.remedy))))
    return Table("truths", environment_line(manifest), ("", "measured", "expected", "runs", "verdict"),
                 tuple(rows), tuple(notes))


def _rows(finding: Finding) -> list[tuple[Text, ...]]:
    """The truth with its verdict and what it was measured by; both in one where that is a single figure."""
    truth, verdict = f"{finding.truth.id}: {finding.truth.sentence}", Text(finding.verdict, _TONES[finding.verdict])
    figures = [(_where(one), Text(_measured_text(one)), Text(_expected_text(finding.truth, one)),
                Text(f"{one.runs_count:,}"), Text(one.verdict, _TONES[one.verdict])) for one in finding.measured]
    if len(figures) == 1:
        where, *rest = figures[0]
        return [(Text(f"{truth} ({where})"), *rest)]
    heading = (Text(truth), Text(""), Text(""), Text(""), verdict)
    return [heading, *((Text(f"  {where}"), *rest) for where, *rest in figures)]


def _where(one: Measured) -> str:
    """`glibc: small_churn:live=1M, memory`."""
    cell = f"{one.title}, {one.pass_name.replace('_', ' ')}" if one.pass_name else one.title
    names = [f"{one.allocator} / {one.against}" if one.against else one.allocator] if one.allocator else []
    return ": ".join([*names, cell])


def _measured_text(one: Measured) -> str:
    """`257`, or with its interval: `295× [277, 308]`."""
    if one.value is None:
        return "none"
    centre, low, high = (_shown(end, one.unit) for end in (one.value, one.low, one.high))
    return centre if low == high else f"{centre} [{low}, {high}]"


def _expected_text(truth: Truth, one: Measured) -> str:
    """`256…258`; a side that is open is left out."""
    allowed = tolerance_of(truth)
    if allowed is None:
        return "changes places"
    low, high = (None if end is None else _shown(end, one.unit) for end in (allowed.low, allowed.high))
    return f"≥ {low}" if high is None else f"≤ {high}" if not allowed.low else f"{low}…{high}"


def _shown(value: float, unit: str) -> str:
    return ratio(value) if unit == RATIO else f"{value:.0f} {unit}" if unit == BREACHES else quantity(value, unit)
