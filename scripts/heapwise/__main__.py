"""heapwise, the part that infers: statistics, tables and pictures from result folders.

    python -m heapwise summarize DIR [--json] [--no-plots] [--png]   summary.json, summary.md, plots, tables
    python -m heapwise compare DIR_A DIR_B [--all] [--json] [--out FILE]   one folder against another
    python -m heapwise gate DIR [--flag] [--detect PCT] [--json] [--out DIR]   pass, regression or inconclusive
    python -m heapwise gate --baseline DIR_A --candidate DIR_B [--out DIR]     the same of two folders
    python -m heapwise calibration DIR [--json]                      how often the gate is wrong, and what it finds
    python -m heapwise plot DIR [--png]                              the pictures alone
    python -m heapwise verify DIR [--json]                           what is known to be true, checked on a folder
    python -m heapwise export DIR --format FORMAT [--out FILE]       its runs as another tool's file
    python -m heapwise validate DIR                                  check every record against the schema
    python -m heapwise reference DIR NAME                            pack a folder into results/reference/NAME
    python -m heapwise readme [--check]                              what is generated in README.md and docs

`python -m heapwise SUBCOMMAND --help` says more. Run it with PYTHONPATH=scripts and the interpreter
that `scripts/choose-python` prints. Exit codes: 0 done, 1 a check says no, 2 error, 3 incomparable,
4 inconclusive.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from .errors import HeapwiseError

SUBCOMMANDS = ("summarize", "compare", "gate", "calibration", "plot", "verify", "export", "validate", "reference", "readme")


def main(words: list[str]) -> int:
    try:
        arguments = _parser(words).parse_args(words)
        return arguments.run(arguments)
    except HeapwiseError as error:
        print(f"heapwise: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser(words: list[str]) -> argparse.ArgumentParser:
    """Only the module of the subcommand in `words` is loaded: scipy and matplotlib take a second."""
    parser = _raw_parser(argparse.ArgumentParser, __doc__, prog="heapwise")
    subparsers = parser.add_subparsers(metavar="SUBCOMMAND", required=True)
    for name in SUBCOMMANDS:
        wanted = name == next((word for word in words if not word.startswith("-")), None)
        module = _load(name) if wanted else None
        subparser = _raw_parser(subparsers.add_parser, module.__doc__ if module else None, name)
        if module:
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)
    return parser


def _raw_parser(make, description, *positional, **named):
    return make(*positional, description=description, formatter_class=argparse.RawDescriptionHelpFormatter, **named)


def _load(name: str):
    try:
        return importlib.import_module(f"heapwise.commands.{name}")
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("heapwise"):
            raise
        raise HeapwiseError(f"the Python package {error.name} is missing from {sys.executable}. "
                            "Use the interpreter that scripts/choose-python prints.") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
