"""Reads a result folder: manifest.json and runs.jsonl (also .xz, .gz, or .zst where `zstd` is installed).

Invariants of what `read_folder` returns:
  - every block of a group holds exactly one record of each allocator of the group: the last
    complete attempt; blocks that were never completed are counted, not used;
  - records are as they were written; nothing is averaged and nothing is filled in.
"""

from __future__ import annotations

import gzip
import json
import lzma
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

from .. import SCHEMA_VERSION
from ..errors import HeapwiseError
from ..labels import program_name

Parameters = tuple[tuple[str, Any], ...]
RUNS_NAMES = ("runs.jsonl", "runs.jsonl.xz", "runs.jsonl.gz", "runs.jsonl.zst")
_DECOMPRESS = {".xz": lzma.decompress, ".gz": gzip.decompress}


@dataclass(frozen=True)
class Cell:
    """What was measured together: workload, parameters, threads and pass."""

    workload: str
    parameters: Parameters
    threads: int
    pass_name: str

    @staticmethod
    def from_json(node: Mapping[str, Any]) -> "Cell":
        parameters = tuple(sorted(node["parameters"].items()))
        return Cell(node["workload"], parameters, node["threads"], node["pass"])


@dataclass(frozen=True)
class Record:
    """One run. `metrics`, `histograms`, `timeline` and `statistics` (the allocator's own, by moment) are empty unless
    `status` is ok; `identity` is what the process proved of its allocator, empty where it came to none."""

    cell: Cell
    allocator: str
    group: int | None
    block: int
    attempt: int
    order: int
    status: str
    status_detail: str
    exit_code: int | None
    signal: int | None
    identity: Mapping[str, Any]
    work: Mapping[str, Any]
    metrics: Mapping[str, Any]
    histograms: Mapping[str, Any]
    timeline: Mapping[str, Any]
    statistics: Mapping[str, Mapping[str, int]]
    outcome: Mapping[str, Any]
    started_unix_ns: int = 0

    @property
    def ok(self) -> bool:
        return self.status == "ok"


@dataclass(frozen=True)
class UserMetric:
    """A figure that the user's pattern finds in a command's output; `user_NAME` in the records."""

    name: str
    pattern: str
    better: str


@dataclass(frozen=True)
class Program:
    """What a group's command is, where the manifest says so. `served`: a server, timed under a client."""

    name: str
    models: str
    served: bool
    timing: str


@dataclass(frozen=True)
class Group:
    """One entry of the plan: what may be compared, and how often it was to be run."""

    cell: Cell
    blocks_planned: int
    purpose: str
    baseline: str
    allocators: tuple[str, ...]
    title: str = ""  # the cell as a spec, without defaults; for people
    user_metrics: tuple[UserMetric, ...] = ()
    program: Program | None = None


@dataclass(frozen=True)
class GroupRuns:
    """The complete blocks of a group, in order; each maps an allocator to its record."""

    group: Group
    blocks: tuple[Mapping[str, Record], ...]
    incomplete_blocks_count: int

    def records(self, allocator: str) -> list[Record]:
        return [block[allocator] for block in self.blocks]


@dataclass(frozen=True)
class ResultFolder:
    path: Path
    manifest: Mapping[str, Any]
    groups: tuple[GroupRuns, ...]
    notes: tuple[str, ...] = field(default=())


def read_folder(path: Path) -> ResultFolder:
    """The folder with its blocks selected. Raises HeapwiseError for a folder that is none."""
    manifest = read_manifest(path)
    notes: list[str] = []
    lines, torn = read_run_lines(path)
    if torn:
        notes.append("the last line of the run records is torn (the run was cut off while writing); it is not used")
    records = [_record(line, number, path) for number, line in lines]
    programs = manifest.get("programs", ())
    groups = tuple(_group(node, programs) for node in manifest["plan"])
    attempts, strangers = _sort_into_attempts(groups, records)
    if strangers:
        notes.append(f"{strangers} records belong to no group of the plan; they are not used")
    runs = tuple(_select_blocks(group, attempts[index]) for index, group in enumerate(groups))
    for one in runs:
        if one.incomplete_blocks_count:
            notes.append(
                f"{one.group.cell.workload}, {one.group.cell.pass_name.replace('_', ' ')}, {one.group.purpose}: "
                f"{one.incomplete_blocks_count} of {one.group.blocks_planned} blocks are incomplete or were not run; "
                "finish them with `heapwise bench --resume`"
            )
    return ResultFolder(path, manifest, runs, tuple(notes))


def read_manifest(path: Path) -> dict[str, Any]:
    """manifest.json of a folder of this version."""
    if not path.is_dir():
        raise HeapwiseError(f"no result folder: {path} is not a directory. Name a folder that `heapwise bench` "
                            "or `heapwise try` wrote with --out.")
    file = path / "manifest.json"
    if not file.is_file():
        raise HeapwiseError(f"no result folder: {path} holds no manifest.json. Name a folder that `heapwise bench` "
                            "or `heapwise try` wrote with --out.")
    manifest = parse_json(file.read_text(encoding="utf-8"), str(file))
    check_version(manifest, str(file))
    for name in ("kind", "plan", "environment", "allocators"):
        if name not in manifest:
            raise HeapwiseError(f"{file} has no `{name}`. Check the folder with `python -m heapwise validate {path}`.")
    return manifest


def check_version(node: Any, where: str) -> None:
    """Raises unless `node` is an object of this program's schema version."""
    version = node.get("schema_version") if isinstance(node, dict) else None
    if version != SCHEMA_VERSION:
        raise HeapwiseError(
            f"{where} has schema_version {json.dumps(version)}; this program reads version {SCHEMA_VERSION}. "
            "Use the heapwise that wrote the folder, or measure again."
        )


def parse_json(text: str, where: str) -> Any:
    """JSON in the strict sense: NaN and Infinity are errors."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except ValueError as error:
        raise HeapwiseError(f"{where} is not valid JSON: {error}. Restore the file or measure again.") from error


def runs_file(path: Path) -> Path:
    """The one file of run records in a folder."""
    for name in RUNS_NAMES:
        if (path / name).is_file():
            return path / name
    raise HeapwiseError(f"{path} holds no {', '.join(RUNS_NAMES[:-1])} or {RUNS_NAMES[-1]}. "
                        "Name a folder that `heapwise bench` or `heapwise try` wrote.")


def read_run_lines(path: Path) -> tuple[list[tuple[int, dict[str, Any]]], bool]:
    """Pairs of line number and record, and whether the last line was torn."""
    file = runs_file(path)
    texts = decompressed(file).split(b"\n")
    ends_in_newline = texts[-1] == b""
    lines: list[tuple[int, dict[str, Any]]] = []
    numbered = [(number, text) for number, text in enumerate(texts, start=1) if text.strip()]
    for position, (number, text) in enumerate(numbered):
        last = position == len(numbered) - 1
        try:
            node = parse_json(text.decode("utf-8", errors="replace"), f"{file}, line {number},")
        except HeapwiseError:
            if last and not ends_in_newline:
                return lines, True
            raise
        lines.append((number, node))
    return lines, False


def decompressed(file: Path) -> bytes:
    """The plain bytes of a file of run records."""
    if file.suffix in _DECOMPRESS:
        try:
            return _DECOMPRESS[file.suffix](file.read_bytes())
        except (OSError, EOFError, lzma.LZMAError) as error:
            raise HeapwiseError(f"{file} cannot be decompressed: {error}. Restore it, e.g. `git checkout -- {file}`.") from error
    if file.suffix != ".zst":
        return file.read_bytes()
    if shutil.which("zstd") is None:
        raise HeapwiseError(f"{file} is compressed with zstd, which is not installed: `apt-get install zstd`.")
    run = subprocess.run(["zstd", "-dcq", str(file)], capture_output=True, check=False)
    if run.returncode != 0:
        raise HeapwiseError(f"{file} cannot be decompressed: {run.stderr.decode(errors='replace').strip()}. Restore it.")
    return run.stdout


def _record(node: Any, number: int, path: Path) -> Record:
    where = f"{runs_file(path)}, line {number},"
    check_version(node, where)
    try:
        cell = node["cell"]
        return Record(
            cell=Cell.from_json(cell), allocator=cell["allocator"], group=node.get("group"), block=node["block"],
            attempt=node["attempt"], order=node["order"], status=node["status"], status_detail=node["status_detail"],
            exit_code=node.get("exit_code"), signal=node.get("signal"), identity=node.get("identity") or {},
            work=node.get("work") or {}, metrics=node.get("metrics") or {}, histograms=node.get("histograms") or {},
            timeline=node.get("timeline") or {}, statistics=node.get("statistics") or {},
            outcome=node.get("outcome") or {},
            started_unix_ns=node.get("started_unix_ns", 0))
    except (KeyError, TypeError, AttributeError) as error:
        raise HeapwiseError(f"{where} lacks or misspells {error}. "
                            f"Check the folder with `python -m heapwise validate {path}`.") from error


def _group(node: Mapping[str, Any], programs: Sequence[Mapping[str, Any]]) -> Group:
    metrics = tuple(UserMetric(one["name"], one["pattern"], one["better"]) for one in node.get("metrics", ()))
    return Group(cell=Cell.from_json(node), blocks_planned=node["blocks"], purpose=node["purpose"],
                 baseline=node["baseline"], allocators=tuple(node["allocators"]), title=node.get("title", ""),
                 user_metrics=metrics, program=_program_of(node, programs))


def _program_of(group: Mapping[str, Any], programs: Sequence[Mapping[str, Any]]) -> Program | None:
    """By name for the applications, because two of them may share a command; otherwise by the command."""
    name, command = program_name(group["workload"]), group["parameters"].get("command")
    node = next((one for one in programs if (one.get("name") == name if name else one["title"] == command)), None)
    if node is None:
        return None
    served = "serve" in node
    timing = node.get("timing") or ("serve" if served else "whole")
    return Program(node.get("name", ""), node.get("models", ""), served, timing)


def _sort_into_attempts(groups: tuple[Group, ...],
                        records: Iterable[Record]) -> tuple[list[list[list[Record]]], int]:
    """For each group its attempts at blocks, in the order of the journal; and how many records fit no group.

    A block is run in one piece, so an attempt is a stretch of the journal in which cell, block and
    attempt stay and `order` rises. This also tells two groups apart that share a cell.
    """
    stretches: list[list[Record]] = []
    for record in records:
        last = stretches[-1][-1] if stretches else None
        same = last is not None and record.order > last.order and (
            (record.cell, record.group, record.block, record.attempt) == (last.cell, last.group, last.block, last.attempt))
        if same:
            stretches[-1].append(record)
        else:
            stretches.append([record])
    attempts: list[list[list[Record]]] = [[] for _ in groups]
    strangers = 0
    for stretch in stretches:
        index = _group_of(groups, stretch, attempts)
        if index is None:
            strangers += len(stretch)
        else:
            attempts[index].append(stretch)
    return attempts, strangers


def _group_of(groups: tuple[Group, ...], stretch: list[Record], attempts: list[list[list[Record]]]) -> int | None:
    first = stretch[0]
    if first.group is not None and first.group < len(groups):
        return first.group if groups[first.group].cell == first.cell else None
    present = {record.allocator for record in stretch}
    fitting = [index for index, group in enumerate(groups)
               if group.cell == first.cell and present <= set(group.allocators) | {group.baseline}]
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    fresh = [index for index in fitting
             if all((first.block, first.attempt) != (old[0].block, old[0].attempt) for old in attempts[index])]
    return min(fresh or fitting, key=lambda index: len(groups[index].allocators))


def _select_blocks(group: Group, attempts: list[list[Record]]) -> GroupRuns:
    wanted = set(group.allocators) | {group.baseline}
    complete: dict[int, tuple[int, Mapping[str, Record]]] = {}
    for attempt in attempts:
        by_allocator = {record.allocator: record for record in attempt}
        number, block = attempt[0].attempt, attempt[0].block
        whole = wanted <= by_allocator.keys() and all(r.status != "interrupted" for r in attempt)
        if whole and (block not in complete or number >= complete[block][0]):
            complete[block] = (number, by_allocator)
    begun = {attempt[0].block for attempt in attempts}
    blocks = tuple(complete[block][1] for block in sorted(complete))
    missing = max(group.blocks_planned - len(complete), len(begun - complete.keys()))
    return GroupRuns(group, blocks, incomplete_blocks_count=missing)
