"""Compares two result folders: what is worse, better or the same in DIR_B than in DIR_A, as far as that can be told.

    python -m heapwise compare DIR_A DIR_B [--all] [--json] [--out FILE]

    DIR_A       the baseline, a folder that `heapwise bench`, `try` or `compare` wrote
    DIR_B       the candidate
    --all       show also what is the same, and what has no verdict
    --json      print the comparison as JSON instead of the tables
    --out FILE  write that JSON into FILE too

Cells that both folders hold are compared, each allocator with itself. Where the machines, libraries or builds are
unlike, the classes of metric that depend on them are refused, and which field is unlike is said. Time goes through the
baseline that both folders ran in their blocks; the rules of the verdicts are those of `heapwise.inference.statistics`.
To see whether one allocator is faster than another, measure both in lockstep instead: `heapwise compare SPEC_A SPEC_B`.
Exit codes: 0 compared, 2 error, 3 incomparable: every class of metric is refused.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import SCHEMA_VERSION
from ..inference.folder_comparison import FolderComparison, compare_folders
from ..output.render import fitted, terminal_comparison, wants_colour
from ..records.folder import ResultFolder, read_folder
from .summarize import to_json, write_text

COMPARED, INCOMPARABLE = 0, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("baseline", metavar="DIR_A", type=Path, help="the result folder to compare with")
    parser.add_argument("candidate", metavar="DIR_B", type=Path, help="the result folder to judge")
    parser.add_argument("--all", action="store_true", help="show also what is the same, and what has no verdict")
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON instead of the tables")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write the JSON into FILE too")


def run(arguments: argparse.Namespace) -> int:
    comparison = compare_folders(read_folder(arguments.baseline), read_folder(arguments.candidate))
    document = comparison_document(comparison)
    if arguments.out:
        write_text(arguments.out, to_json(document))
    if arguments.json:
        sys.stdout.write(to_json(document))
    else:
        sys.stdout.write(fitted(terminal_comparison(document, arguments.all, wants_colour(sys.stdout)), sys.stdout))
    return INCOMPARABLE if comparison.incomparable else COMPARED


def comparison_document(comparison: FolderComparison) -> dict[str, Any]:
    """The comparison, ready for JSON, as the schema's `folder_comparison`."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "comparison",
        "baseline": _side(comparison.baseline),
        "candidate": _side(comparison.candidate),
        "refused": [asdict(refusal) for refusal in comparison.refused],
        "notes": list(comparison.notes),
        "comparisons": list(comparison.entries),
    }


def _side(folder: ResultFolder) -> dict[str, Any]:
    manifest = folder.manifest
    return {"path": str(folder.path), "kind": manifest["kind"], "created_unix_ns": manifest.get("created_unix_ns", 0),
            "command_line": manifest.get("command_line", []), "seed": manifest.get("seed", 0),
            "profile": manifest.get("profile", ""), "environment": manifest["environment"],
            "memory_limit_bytes": manifest.get("memory_limit_bytes"),
            "allocators": manifest["allocators"]}
