"""Writes what is generated in README.md and docs/*.md from results/reference, the program and the workloads' files, or
checks that it is that.

    python -m heapwise readme [--check] [--root DIR] [--build DIR]

    --check  write nothing; exit 1 when a document is not what the results, the program and the sources say
    --root   the repository (this one)
    --build  where the built program lies, which is asked for the workloads (HEAPWISE_BUILD_DIR, or build/ of the repository)

In a document, what stands between these two lines is generated:

    <!-- heapwise:begin NAME -->
    <!-- heapwise:end NAME -->

NAME is one of
    environment  the machine, in one line
    summary      the matrix: time and peak RSS of every allocator on every cell, by family, with pictures
    scaling      what more threads bring: of each cell with several numbers of threads the tables and the picture
    sweep        which M_MMAP_THRESHOLD: the sentence, the picture, the table
    apps         the programs of workloads/apps under each allocator, with pictures
    try          a program of one's own under each allocator
    compare      two allocators in lockstep
    calibration  how often the gate is wrong, and what it finds
    self_cost    what the instrument itself costs (needs self_cost.json in the reference)
    claims       the eleven questions with what was measured of every claim (needs claims/claims.json in the reference)
    mechanisms   allocators and their mechanisms, seen from outside (needs claims/mechanisms.json in the reference)
    targets      what refmalloc is to reach, beside glibc and the best peer
    workloads    what each workload is: its file's header, parameters, passes, rows of the profiles
and takes the reference that has such data; where several have, say which: `NAME from=REFERENCE`. `summary` takes several,
`summary from=full,soak`: those that are there, and of a cell that two have the first one's figures. `targets` takes full,
duel-*, thp and try-true; those that are there for it alone are taken by others only where they are named.
Exit codes: 0 done, 1 the check says no, 2 error.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from .. import labels
from ..errors import HeapwiseError
from ..inference.targets import (FULL, is_source, is_source_only, memory_against_glibc, standings, time_against_glibc,
                                 time_against_peers)
from ..output.calibration_tables import calibration_tables
from ..output.claims_pages import PICTURES_OF_QUESTIONS, claims_pages
from ..output.duel_tables import LEGEND as DUEL_LEGEND
from ..output.duel_tables import duel_tables
from ..output.matrix import LEGEND as MATRIX_LEGEND
from ..output.matrix import matrix
from ..output.mechanism_tables import mechanism_pages
from ..output.program_tables import OVERVIEW_WORDS, finding_lines, heading, overview_tables, program_table
from ..output.render import environment_line, markdown_table
from ..output.scaling_tables import scaling_tables
from ..output.tables import LEGEND, Table, Text, cell_views, legend_of, sweep_table, title_of
from ..output.target_tables import LEGEND as TARGET_LEGEND
from ..output.target_tables import tally_line, target_table
from ..output.workload_pages import workload_pages
from ..records.claims import read_claims
from ..records.catalogue import Catalogue, ask_program, build_folder
from ..records.folder import parse_json, read_folder
from ..records.headers import header_file, read_header
from ..records.mechanisms import read_mechanisms
from .reference import CALIBRATION, PICTURES, SELF_COST
from .summarize import read_summary, write_text

_NO_SUMMARY = {"kind": "calibration", "groups": [], "comparisons": [], "sweeps": [], "own_costs": []}
TARGETS = "targets"  # the block that takes references of its own
WORKLOADS = "workloads"  # the one that is made from the program and the sources
CLAIMS = "claims"  # the one that `heapwise claims` wrote, and its reference
MECHANISMS = "mechanisms"  # the one that `heapwise claims --allocators` wrote beside the claims
OPEN_TABLES = 2  # of the applications; further ones are folded
ROOT = Path(__file__).resolve().parents[3]
_BEGIN = re.compile(r"^<!-- heapwise:begin (?P<name>\w+)(?: from=(?P<references>[\w,-]+))? -->$", re.MULTILINE)
_ANY_MARK = re.compile(r"<!-- heapwise:(?:begin|end)")


@dataclass(frozen=True)
class Reference:
    """One folder of results/reference, and where its pictures are as seen from the document."""

    name: str
    directory: Path
    summary: Mapping[str, Any]
    self_cost: Mapping[str, Any] | None
    calibration: Mapping[str, Any] | None
    pictures: tuple[str, ...]
    pictures_path: str

    def picture(self, kind: str, words: str) -> list[str]:
        """Markdown of the pictures of one kind, e.g. `throughput` or `sweep-`."""
        shown = [file for file in self.pictures if file.startswith(f"{self.name}-{kind}")]
        return [line for file in shown for line in (f"![{words}]({self.pictures_path}/{file})", "")]


@dataclass(frozen=True)
class Sources:
    """What the blocks of a document are made from; the program is asked only by a block that needs it."""

    root: Path
    document: Path
    references: Sequence[Reference]
    catalogue: Callable[[], Catalogue]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a document is out of date")
    parser.add_argument("--root", metavar="DIR", type=Path, default=ROOT, help="the repository")
    parser.add_argument("--build", metavar="DIR", type=Path, help="where the built program lies")


def run(arguments: argparse.Namespace) -> int:
    root, outdated = arguments.root, []
    catalogue = cache(lambda: ask_program(arguments.build or build_folder(root)))
    for document in documents(root):
        text = document.read_text(encoding="utf-8")
        fresh = regenerated(text, Sources(root, document, read_references(root, document), catalogue))
        if fresh == text:
            continue
        outdated.append(document)
        if not arguments.check:
            write_text(document, fresh)
    for document in outdated:
        name = document.relative_to(root)
        print(f"{name} is not what the results, the program and the sources say: write it with `python -m heapwise readme`"
              if arguments.check else f"{name} written")
    return 1 if outdated and arguments.check else 0


def documents(root: Path) -> list[Path]:
    """README.md and the documents with generated blocks. An error where there is no README.md."""
    readme = root / "README.md"
    if not readme.is_file():
        raise HeapwiseError(f"{readme} does not exist. Run this in the repository or name it with --root.")
    candidates = [readme, *sorted((root / "docs").glob("*.md"))]
    return [path for path in candidates if _ANY_MARK.search(path.read_text(encoding="utf-8"))]


def regenerated(text: str, sources: Sources) -> str:
    """The document's text with every block made anew."""
    pieces, position = [], 0
    for begin in _BEGIN.finditer(text):
        name = begin["name"]
        end_mark = f"<!-- heapwise:end {name} -->"
        end = text.find(end_mark, begin.end())
        following = _BEGIN.search(text, begin.end())
        if end < 0 or (following and following.start() < end):
            raise HeapwiseError(f"{sources.document}: the block `{name}` has no end. Add the line {end_mark}")
        wanted = tuple(begin["references"].split(",")) if begin["references"] else ()
        block = "\n".join(_block(name, wanted, sources)).strip("\n")
        pieces.extend([text[position:begin.end()], "\n", block, "\n"])
        position = end
    return "".join([*pieces, text[position:]])


def read_references(root: Path, document: Path) -> list[Reference]:
    """All references, by name."""
    folder = root / "results" / "reference"
    files = tuple(sorted(path.name for path in (folder / PICTURES).glob("*.png")))
    path_of_pictures = Path(os.path.relpath(folder / PICTURES, document.parent)).as_posix()
    found = []
    for directory in sorted(path for path in folder.glob("*") if path.is_dir() and path.name not in (PICTURES, CLAIMS)):
        costs, calibration = _optional(directory / SELF_COST), _optional(directory / CALIBRATION)
        summary = read_summary(directory) if calibration is None else {**_NO_SUMMARY, "environment": calibration["environment"]}
        found.append(Reference(directory.name, directory, summary, costs, calibration, files, path_of_pictures))
    return found


def _optional(file: Path) -> Any:
    return parse_json(file.read_text(encoding="utf-8"), str(file)) if file.is_file() else None


def _block(name: str, wanted: Sequence[str], sources: Sources) -> list[str]:
    if name == WORKLOADS:
        return _workloads(sources)
    if name == CLAIMS:
        return _claims(sources)
    if name == MECHANISMS:
        return mechanism_pages(read_mechanisms(sources.root / "results" / "reference" / CLAIMS))
    if name == TARGETS:
        return _targets([one for one in sources.references if is_source(one.name) and (not wanted or one.name in wanted)])
    if name not in _BLOCKS:
        known = ", ".join([*_BLOCKS, CLAIMS, MECHANISMS, TARGETS, WORKLOADS])
        raise HeapwiseError(f"{sources.document}: there is no block `{name}`. Use one of {known}.")
    block = _BLOCKS[name]
    fitting = _fitting(block.has_data, wanted, sources.references)
    if not fitting:
        place = labels.joined([f"results/reference/{one}" for one in wanted]) or "results/reference"
        raise HeapwiseError(f"{sources.document}: nothing in {place} has data for the block `{name}`. "
                            "Make it as results/README.md says.")
    if len(fitting) > 1 and not (block.several if wanted else block.all):
        raise HeapwiseError(f"{sources.document}: {labels.joined([one.name for one in fitting])} all have data for the block "
                            f"`{name}`. Say which: <!-- heapwise:begin {name} from={fitting[0].name} -->")
    return block.make(fitting, sources)


def _fitting(has_data: Callable[[Reference], bool], wanted: Sequence[str], references: Sequence[Reference]) -> list[Reference]:
    """Those with data, in the order in which they are named; without names all but those that are there for another block."""
    with_data = [one for one in references if has_data(one)]
    if not wanted:
        return [one for one in with_data if not is_source_only(one.name)]
    return sorted((one for one in with_data if one.name in wanted), key=lambda one: wanted.index(one.name))


def _workloads(sources: Sources) -> list[str]:
    catalogue = sources.catalogue()
    headers = {one.name: read_header(header_file(sources.root, one.name)) for one in catalogue.workloads}
    return workload_pages(catalogue, headers)


def _claims(sources: Sources) -> list[str]:
    folder = sources.root / "results" / "reference"
    path = Path(os.path.relpath(folder / PICTURES, sources.document.parent)).as_posix()
    shown = {number: [line for name, words in pictures if (folder / PICTURES / f"{CLAIMS}-{name}.png").is_file()
                      for line in (f"![{words}]({path}/{CLAIMS}-{name}.png)", "")]
             for number, pictures in PICTURES_OF_QUESTIONS.items()}
    return claims_pages(read_claims(folder / CLAIMS), shown)


def _targets(references: Sequence[Reference]) -> list[str]:
    """Of several folders, and `not measured` where one is missing."""
    folders = {one.name: read_folder(one.directory) for one in references}
    lines = [*markdown_table(target_table(standings(folders))), ""]
    full = next((one for one in references if one.name == FULL), None)
    if full is not None:
        lines.extend([tally_line(time_against_glibc(full.summary), memory_against_glibc(full.summary),
                                 time_against_peers(folders[FULL])), ""])
    return [*lines, f"<sub>{'; '.join(TARGET_LEGEND)}.</sub>", "", *_machines(references)]


def _machines(references: Sequence[Reference]) -> list[str]:
    """On which machine which of several references was measured."""
    machines: dict[str, list[str]] = {}
    for one in references:
        machines.setdefault(environment_line(one.summary), []).append(one.name)
    return [f"Measured on {machine} ({labels.joined(names)})." for machine, names in machines.items()]


def _environment(reference: Reference) -> list[str]:
    return [f"Measured on {environment_line(reference.summary)}."]


def _summary(references: Sequence[Reference], sources: Sources) -> list[str]:
    views = [view for one in references for view in cell_views(one.summary, "comparison")]
    lines = [*markdown_table(matrix(views, sources.catalogue())), "", f"<sub>{'; '.join([*MATRIX_LEGEND, *LEGEND])}.</sub>", ""]
    lines.extend([*_machines(references), ""] if len(references) > 1 else [])
    for one in references:
        lines.extend(one.picture("throughput", "Time an operation against the baseline, with 95 % intervals"))
        lines.extend(one.picture("time-against-memory", "Time against peak RSS"))
    return lines


def _scaling(reference: Reference) -> list[str]:
    lines = []
    for table in scaling_tables(reference.summary):
        lines.extend([f"{table.title} ({table.subtitle}):", "", *markdown_table(table), ""])
        lines.extend([*(f"- {note}" for note in table.notes), ""] if table.notes else [])
    return [*lines, *reference.picture("scaling-", "Operations a second over the number of threads")]


def _sweep(reference: Reference) -> list[str]:
    lines = []
    for sweep in reference.summary["sweeps"]:
        title = title_of(sweep)
        lines.extend([f"On `{title}`: {sweep['reading']}", "",
                      *reference.picture(f"sweep-{labels.slug(title)}.", "The threshold sweep"),
                      "<details><summary>All settings</summary>", "", *markdown_table(sweep_table(sweep)), "", "</details>", ""])
    return lines


def _apps(reference: Reference) -> list[str]:
    views = cell_views(reference.summary, "command")
    lines = [f"- {heading(view)}" for view in views]
    for place, table in enumerate(overview_tables(views) or [table for view in views if (table := program_table(view))]):
        words = table.title.partition(": ")[2].capitalize()
        folded = place >= OPEN_TABLES
        lines.extend(["", f"<details><summary>{words}</summary>" if folded else f"{words}:", "", *markdown_table(table)])
        lines.extend(["", "</details>"] if folded else [])
    lines.extend(["", f"<sub>{'; '.join([OVERVIEW_WORDS, *legend_of(reference.summary)])}.</sub>", ""])
    for kind, words in (("wall-time", "Time of whole programs against the baseline, with 95 % intervals"),
                        ("peak-memory", "Peak memory of whole programs against the baseline, with 95 % intervals")):
        lines.extend(reference.picture(kind, words))
    return [*lines, *_findings(reference)]


def _try(reference: Reference) -> list[str]:
    lines = []
    for view in cell_views(reference.summary, "command"):
        table = program_table(view)
        if table is not None:
            typed = ["```", _typed(reference.summary), "```", f"({table.subtitle})"] if view.program else \
                [f"`{view.title}` ({table.subtitle}):"]
            lines.extend([*typed, "", *markdown_table(table), ""])
            lines.extend([*(f"- {note}" for note in table.notes), ""] if table.notes else [])
    legend = [text for text in legend_of(reference.summary) if text not in LEGEND]  # which stands with the other tables
    lines.extend([f"<sub>{'; '.join(legend)}.</sub>", ""] if legend else [])
    return [*lines, *reference.picture("over-time-", "Memory over time under each allocator"), *_findings(reference)]


def _typed(summary: Mapping[str, Any]) -> str:
    """The command line to type for a summary of one's own, an option a line: where the folder was to lie is left out."""
    words = list(summary["command_line"])
    if "--out" in words:
        del words[words.index("--out"):words.index("--out") + 2]
    lines = [[]]
    for word in words:
        if word.startswith("--"):
            lines.append([])
        lines[-1].append(word)
    return " \\\n  ".join(map(shlex.join, lines))


def _findings(reference: Reference) -> list[str]:
    """What makes figures doubtful or absent."""
    findings = [f"- {subject}: {text}" for subject, text in finding_lines(reference.summary)]
    return [*findings, *([""] if findings else [])]


def _compare(reference: Reference) -> list[str]:
    lines = ["```", _typed(reference.summary), "```", ""]
    for table in duel_tables(reference.summary):
        lines.extend([f"`{table.title}` ({table.subtitle}):", "", *markdown_table(table), ""])
    return [*lines, f"<sub>{'; '.join(DUEL_LEGEND)}.</sub>", "", f"Measured on {environment_line(reference.summary)}."]


def _calibration(reference: Reference) -> list[str]:
    lines = [f"Measured on {environment_line(reference.calibration)}."]
    for table in calibration_tables(reference.calibration):
        lines.extend(["", f"{table.title}: {table.subtitle}.", "", *markdown_table(table), "", *(f"- {note}" for note in table.notes)])
    return lines


def _self_cost(reference: Reference) -> list[str]:
    rows = [(Text(row["name"]), Text(f"{labels.significant(row['value'])} {row['unit']}"),
             Text(f"{labels.significant(row['target'])} {row['unit']}"), Text(row["how"])) for row in reference.self_cost["rows"]]
    return markdown_table(Table("", "", ("what", "measured", "aim: at most", "how"), tuple(rows)))


def _each(make: Callable[[Reference], list[str]]) -> Callable[[Sequence[Reference], Sources], list[str]]:
    return lambda references, _: [line for one in references for line in make(one)]


@dataclass(frozen=True)
class Block:
    """`several`: of the references that are named; `all`: of all with data, where none is. Else only one is taken."""

    has_data: Callable[[Reference], bool]
    make: Callable[[Sequence[Reference], Sources], list[str]]
    several: bool = False
    all: bool = False


_BLOCKS = {
    "environment": Block(lambda one: one.summary["kind"] == "bench", _each(_environment)),
    "summary": Block(lambda one: one.summary["kind"] == "bench" and bool(cell_views(one.summary, "comparison")), _summary, several=True),
    "scaling": Block(lambda one: bool(one.summary.get("scaling")), _each(_scaling)),
    "sweep": Block(lambda one: bool(one.summary["sweeps"]), _each(_sweep)),
    "apps": Block(lambda one: any(labels.program_name(group["workload"]) for group in one.summary["groups"]), _each(_apps)),
    "try": Block(lambda one: one.summary["kind"] == "try", _each(_try), several=True, all=True),
    "compare": Block(lambda one: one.summary["kind"] == "compare", _each(_compare)),
    "calibration": Block(lambda one: one.calibration is not None, _each(_calibration)),
    "self_cost": Block(lambda one: one.self_cost is not None, _each(_self_cost)),
}
