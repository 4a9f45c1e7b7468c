"""Judges the gate itself: how often it alarms where nothing differs, and what it finds of what was made worse.

    python -m heapwise calibration DIR [--json]

    DIR     a folder that `heapwise gate --aa` filled: the campaigns aa, time and memory
    --json  print calibration.json instead of the tables

In `aa` both sides are one library under two names; in `time` and `memory` the candidate has the injector's dials turned
up, and both sides load it. Writes DIR/calibration.json. Exit codes: 0 done, 2 error.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..inference.calibration import calibration_of
from ..output.calibration_tables import calibration_tables
from ..output.render import fitted, terminal_table, wants_colour
from .summarize import to_json, write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help="a folder that `heapwise gate --aa` filled")
    parser.add_argument("--json", action="store_true", help="print calibration.json instead of the tables")


def run(arguments: argparse.Namespace) -> int:
    document = calibration_of(arguments.directory)
    write_text(arguments.directory / "calibration.json", to_json(document))
    if arguments.json:
        sys.stdout.write(to_json(document))
        return 0
    lines = [line for table in calibration_tables(document) for line in terminal_table(table, wants_colour(sys.stdout))]
    sys.stdout.write(fitted("\n".join(lines).rstrip("\n") + "\n", sys.stdout))
    return 0
