"""Writes a folder's runs of one allocator as another tool's file.

    python -m heapwise export DIR --format google-benchmark [--allocator SPEC] [--pass P] [--sweep] [--out FILE]

    DIR          a result folder
    --format     google-benchmark: JSON as Google Benchmark 1.7 writes it, one repetition a block
    --allocator  whose runs (default: the folder's baseline)
    --pass       one pass only: throughput, lockstep or command (default: all of them)
    --sweep      the threshold sweep's runs instead of the cells'; so too for an allocator that ran in nothing else
    --out        the file to write (default: standard output)

Export two allocators of a folder, or one of two folders, and compare them with Debian's libbenchmark-tools:

    python3 /usr/share/benchmark/compare.py benchmarks glibc.json jemalloc.json

Its U test takes the runs of a file as independent; `heapwise` itself compares inside blocks, which a drift
of the machine does not deceive. Exit codes: 0 done, 2 error.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path
from typing import Sequence

from ..errors import HeapwiseError
from ..inference.summary import allocators_of
from ..output.google_benchmark import CELLS, SWEEP, TIMES, export
from ..records.folder import ResultFolder, read_folder
from .summarize import to_json, write_text

FORMATS = {"google-benchmark": export}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help="a result folder")
    parser.add_argument("--format", choices=FORMATS, required=True, help="of the file")
    parser.add_argument("--allocator", metavar="SPEC", help="whose runs (default: the folder's baseline)")
    parser.add_argument("--pass", dest="pass_name", choices=TIMES, help="one pass only (default: all that take times)")
    parser.add_argument("--sweep", action="store_true", help="the sweep's runs instead of the cells'")
    parser.add_argument("--out", metavar="FILE", type=Path, help="the file to write (default: standard output)")


def run(arguments: argparse.Namespace) -> int:
    folder = read_folder(arguments.directory)
    passes = [arguments.pass_name] if arguments.pass_name else list(TIMES)
    allocator, purposes = chosen(folder, passes, arguments.allocator, SWEEP if arguments.sweep else CELLS)
    exported = FORMATS[arguments.format](folder, allocator, passes, purposes)
    if not exported.document["benchmarks"]:
        raise HeapwiseError(f"{folder.path}: none of {exported.left_out_count} runs of {allocator} has figures. "
                            f"`python -m heapwise summarize {folder.path}` says what went wrong.")
    if exported.left_out_count:
        print(f"heapwise: {exported.left_out_count} runs of {allocator} have no figures and are left out",
              file=sys.stderr)
    text = to_json(exported.document)
    if arguments.out is None:
        sys.stdout.write(text)
    else:
        write_text(arguments.out, text)
    return 0


def chosen(folder: ResultFolder, passes: Sequence[str], wanted: str | None,
           purposes: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The allocator and the purposes to export: the baseline where none is wanted, the sweep where it ran there only."""
    there = {choice: _specs(folder, passes, choice) for choice in (purposes, SWEEP)}
    if wanted is None and there[purposes]:
        return there[purposes][0], purposes
    for choice, specs in there.items():
        if wanted in specs:
            return wanted, choice
    known = list(dict.fromkeys(spec for specs in there.values() for spec in specs))
    if wanted is None or not known:
        raise HeapwiseError(f"{folder.path} has no such runs of the passes {', '.join(passes)}: there are no times to "
                            "export. Choose with --pass and --sweep, or name another folder.")
    near = difflib.get_close_matches(wanted, known, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else "."
    raise HeapwiseError(f"there is no allocator '{wanted}' in {folder.path}{hint} It has: {' '.join(known)}")


def _specs(folder: ResultFolder, passes: Sequence[str], purposes: Sequence[str]) -> list[str]:
    """The allocators that ran, the baseline first."""
    return list(dict.fromkeys(spec for runs in folder.groups for spec in allocators_of(runs)
                              if runs.group.cell.pass_name in passes and runs.group.purpose in purposes))
