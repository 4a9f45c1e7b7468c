"""Infers from a result folder: writes summary.json, summary.md and plots/, and prints the tables.

    python -m heapwise summarize DIR [--json] [--no-plots] [--png]

    DIR         a folder that `heapwise bench` or `heapwise try` wrote
    --json      print summary.json instead of the tables
    --no-plots  write no pictures
    --png       write the pictures as PNG too

Every allocator is compared with the baseline inside blocks, never across; `heapwise.inference.statistics`
has the rules of the verdicts. Exit codes: 0 done, 2 error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, Mapping

from ..errors import HeapwiseError
from ..inference.summary import Summary, summarize_folder
from ..output.render import fitted, markdown_summary, terminal_summary, wants_colour
from ..records.folder import check_version, parse_json, read_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help="a result folder")
    parser.add_argument("--json", action="store_true", help="print summary.json instead of the tables")
    parser.add_argument("--no-plots", action="store_true", help="write no pictures")
    parser.add_argument("--png", action="store_true", help="write the pictures as PNG too")


def run(arguments: argparse.Namespace) -> int:
    folder = read_folder(arguments.directory)
    summary = summarize_folder(folder)
    write_text(arguments.directory / "summary.json", to_json(summary))
    write_text(arguments.directory / "summary.md", markdown_summary(summary))
    if arguments.json:
        sys.stdout.write(to_json(summary))
    else:
        sys.stdout.write(fitted(terminal_summary(summary, wants_colour(sys.stdout)), sys.stdout))
        sys.stdout.flush()
    if not arguments.no_plots:
        from ..output.plots import draw_all
        pictures = draw_all(folder, summary, arguments.directory / "plots", png=arguments.png)
        print(f"{len(pictures)} pictures in {arguments.directory / 'plots'}", file=sys.stderr)
    return 0


def to_json(document: Mapping[str, Any]) -> str:
    """The document's file. A NaN is a bug and raises ValueError."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_summary(path: Path) -> Summary:
    """summary.json of a folder, as `summarize` wrote it."""
    file = path / "summary.json"
    if not file.is_file():
        raise HeapwiseError(f"{file} does not exist. Write it with `python -m heapwise summarize {path}`.")
    summary = parse_json(file.read_text(encoding="utf-8"), str(file))
    check_version(summary, str(file))
    return summary


def write_text(file: Path, text: str) -> None:
    """Replaces the file in one step, so that a reader never sees half of it."""
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise HeapwiseError(f"{file} cannot be written: {error.strerror}. Make the folder writable or copy it.") from error
