"""Draws the pictures of a result folder into its plots/.

    python -m heapwise plot DIR [--png]

    DIR    a folder that `heapwise bench` or `heapwise try` wrote
    --png  write the pictures as PNG too

Throughput ratios with intervals, time against peak RSS, faults and system calls, where resident memory lies at the end,
what more threads bring, the threshold sweep, and for each cell latency percentiles, memory over operations and, of requests,
the course of the tail. Of whole programs: time, peak memory,
one against the other, the user's metrics, and for each program memory over time. The inference is made
anew from the records. Exit codes: 0 done, 2 error.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..inference.summary import summarize_folder
from ..output.plots import draw_all
from ..records.folder import read_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help="a result folder")
    parser.add_argument("--png", action="store_true", help="write the pictures as PNG too")


def run(arguments: argparse.Namespace) -> int:
    folder = read_folder(arguments.directory)
    for file in draw_all(folder, summarize_folder(folder), arguments.directory / "plots", png=arguments.png):
        print(file)
    return 0
