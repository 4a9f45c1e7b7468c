"""Checks every record of a result folder against results/schema.json.

    python -m heapwise validate DIR

Checks manifest.json, each line of the run records and, where it exists, summary.json, or what
`heapwise claims --out DIR` wrote; prints one line a problem. Exit codes: 0 all conform, 1 something does not, 2 error.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..records.claims import CLAIMS_FILE
from ..records.folder import parse_json, read_run_lines, runs_file
from ..records.mechanisms import MECHANISMS_FILE
from ..records.schema import Checker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help="a result folder")


def run(arguments: argparse.Namespace) -> int:
    found, records_count = problems(arguments.directory)
    for line in found:
        print(line)
    print(f"{arguments.directory}: {records_count} records, {len(found)} problems")
    return 1 if found else 0


def problems(path: Path) -> tuple[list[str], int]:
    """One line for each problem, and how many records were checked."""
    documents = {CLAIMS_FILE: "claims", MECHANISMS_FILE: "mechanisms"}
    written = [name for name in documents if (path / name).is_file()]
    if written:
        return [problem for name in written for problem in _document_problems(path / name, documents[name])], len(written)
    lines, torn = read_run_lines(path)
    found = _document_problems(path / "manifest.json", "manifest")
    checker = Checker("run_record")
    name = runs_file(path).name
    for number, record in lines:
        found.extend(f"{name}:{number}: {problem}" for problem in checker.problems(record))
    if torn:
        found.append(f"{name}: the last line is torn")
    if (path / "summary.json").is_file():
        found.extend(_document_problems(path / "summary.json", "summary"))
    return found, len(lines)


def _document_problems(file: Path, kind: str) -> list[str]:
    if not file.is_file():
        return [f"{file.name}: is missing"]
    document = parse_json(file.read_text(encoding="utf-8"), str(file))
    return [f"{file.name}: {problem}" for problem in Checker(kind).problems(document)]
