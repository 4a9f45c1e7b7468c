"""Packs a result folder into results/reference/NAME, for the repository.

    python -m heapwise reference DIR NAME [--into REFERENCE] [--no-pictures]

    DIR            a folder that `heapwise bench` or `heapwise try` wrote
    NAME           of the new folder; small letters, digits, - and _
    --into         the folder of references (results/reference of the repository)
    --no-pictures  of a folder whose figures are shown in tables only

Summarizes DIR, then writes NAME with manifest.json, runs.jsonl.xz, summary.json and summary.md, and
the pictures the README shows into pictures/NAME-….png beside it. A DIR/self_cost.json, as `heapwise
bench --self --json` prints it, goes along. The records are as they were, but for the timelines of
commands: only that of the run which the picture shows stays, and of it the memory at 200 moments or
fewer, each the highest of its stretch. The same DIR gives the same bytes.
Of a folder that `heapwise gate --aa` filled, calibration.json and the three manifests are packed: its
records are tens of thousands, and what is shown comes from calibration.json alone.
Of a folder that `heapwise claims --out` wrote, the documents are packed as they are, and the pictures of docs/claims.md drawn.
An old NAME is replaced only once the new one is complete. Refused when all references together
would pass 10 MB. Exit codes: 0 done, 2 error.
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
import shutil
import tempfile
from pathlib import Path
from typing import Callable, Iterable, Sequence

import numpy as np
from matplotlib.figure import Figure

from ..errors import HeapwiseError
from ..inference.summary import summarize_folder
from ..output.duel_tables import DUELS
from ..output.plots import pictures
from ..output.plots.claims import claim_pictures
from ..output.plots.data import shown_run
from ..output.plots.figure import close, save_png
from ..output.render import markdown_summary
from ..records.claims import CLAIMS_FILE, read_claims
from ..records.folder import Cell, ResultFolder, decompressed, read_folder, read_run_lines, runs_file
from .summarize import to_json, write_text

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "results" / "reference"
PICTURES = "pictures"
SELF_COST = "self_cost.json"
CALIBRATION = "calibration.json"
LARGEST_TOTAL_BYTES = 10_000_000
# What the README shows; all others can be drawn again from the records.
PICTURE_NAMES = ("throughput", "time-against-memory", "wall-time", "peak-memory", "scaling-", "sweep-")
OVER_TIME = "over-time-"  # shown of a single program
MOST_CELL_PICTURES = 3
MOST_MOMENTS = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help="a result folder")
    parser.add_argument("name", metavar="NAME", help="of the new reference")
    parser.add_argument("--into", metavar="REFERENCE", type=Path, default=REFERENCE, help="the folder of references")
    parser.add_argument("--no-pictures", action="store_true", help="of a folder whose figures are shown in tables only")


def run(arguments: argparse.Namespace) -> int:
    size = pack(arguments.directory, arguments.name, arguments.into, draws=not arguments.no_pictures)
    print(f"{arguments.into / arguments.name}: {size / 1e6:.2f} MB; all references may take {LARGEST_TOTAL_BYTES / 1e6:.0f} MB")
    return 0


def pack(directory: Path, name: str, into: Path, draws: bool = True) -> int:
    """Writes the reference and its pictures; returns their bytes."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name) or name == PICTURES:
        raise HeapwiseError(f"'{name}' cannot name a reference: use small letters, digits, - and _ (and not `{PICTURES}`).")
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into, prefix=".packing-") as temporary:
        staged, pictures = Path(temporary) / name, Path(temporary) / PICTURES
        staged.mkdir()
        pictures.mkdir()
        if (directory / CALIBRATION).is_file():
            _write_calibration(directory, staged)
        elif (directory / CLAIMS_FILE).is_file():
            _write_claims(directory, staged)
            _draw(claim_pictures(read_claims(staged)), pictures, name)
        else:
            _write_data(directory, staged)
            if draws:
                _write_pictures(directory, pictures, name)
        size = _size(staged) + _size(pictures)
        kept = _size(into) - _size(Path(temporary)) - _size(into / name) - sum(f.stat().st_size for f in _old_pictures(into, name))
        if size + kept > LARGEST_TOTAL_BYTES:
            raise HeapwiseError(f"{name} would take {size / 1e6:.1f} MB beside {kept / 1e6:.1f} MB of other references; together "
                                f"at most {LARGEST_TOTAL_BYTES / 1e6:.0f} MB. Measure fewer cells or remove a reference.")
        _put_in_place(staged, pictures, into, name)
    return size


def compressed(lines: bytes) -> bytes:
    """xz, which has no time or name in it: half of gzip's size, because runs resemble each other over megabytes."""
    return lzma.compress(lines, preset=9 | lzma.PRESET_EXTREME)


def without_checkout(text: str) -> str:
    """Paths inside this repository relative to it: where a checkout lay says nothing of what was measured."""
    return text.replace(f"{ROOT}/", "").replace(f'"{ROOT}"', '"."')


def _shown_runs(folder: ResultFolder) -> set[tuple]:
    """Of each command and allocator the run whose memory over time is drawn."""
    records = (shown_run(runs, spec) for runs in folder.groups if runs.group.cell.pass_name == "command"
               for spec in runs.group.allocators)
    return {(record.cell, record.allocator, record.block, record.attempt) for record in records if record is not None}


def thinned(line: str, shown: set[tuple]) -> str:
    """A run record's line; a command's with no more of its timeline than a picture shows, peaks kept."""
    record = json.loads(line) if line.strip() else {}
    elapsed, tree = (record.get("timeline", {}).get(name) for name in ("elapsed_ns", "tree_bytes"))
    if not elapsed:
        return line
    if (Cell.from_json(record["cell"]), record["cell"]["allocator"], record["block"], record["attempt"]) in shown:
        places = moments(tree)
        record["timeline"] = {"elapsed_ns": [elapsed[place] for place in places],
                              "tree_bytes": [tree[place] for place in places]}
    else:
        record["timeline"] = {}
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False)


def moments(values: Sequence[int]) -> list[int]:
    """At most MOST_MOMENTS places: the first, the last, and between them the highest of each stretch."""
    if len(values) <= MOST_MOMENTS:
        return list(range(len(values)))
    stretches = np.array_split(np.arange(1, len(values) - 1), MOST_MOMENTS - 2)
    return [0, *(int(stretch[np.argmax(np.take(values, stretch))]) for stretch in stretches), len(values) - 1]


def _write_data(directory: Path, staged: Path) -> None:
    folder = read_folder(directory)
    if not any(runs.blocks for runs in folder.groups):
        raise HeapwiseError(f"{directory} has no complete block, so there is nothing to refer to. Finish it with "
                            f"`heapwise bench --resume {directory}`.")
    write_text(staged / "manifest.json", without_checkout((directory / "manifest.json").read_text(encoding="utf-8")))
    if (directory / SELF_COST).is_file():
        shutil.copyfile(directory / SELF_COST, staged / SELF_COST)
    _, torn = read_run_lines(directory)
    records = decompressed(runs_file(directory))
    if torn:
        records = records[:records.rfind(b"\n") + 1]
    shown = _shown_runs(folder)
    lines = (thinned(line, shown) for line in without_checkout(records.decode()).split("\n"))
    (staged / "runs.jsonl.xz").write_bytes(compressed("\n".join(lines).encode()))
    # from the packed copy, so that what is committed is known to read back
    summary = summarize_folder(read_folder(staged))
    write_text(staged / "summary.json", to_json(summary))
    write_text(staged / "summary.md", markdown_summary(summary))


def _write_calibration(directory: Path, staged: Path) -> None:
    shutil.copyfile(directory / CALIBRATION, staged / CALIBRATION)
    for manifest in sorted(directory.glob("*/manifest.json")):
        write_text(staged / f"{manifest.parent.name}-manifest.json", without_checkout(manifest.read_text(encoding="utf-8")))


def _write_claims(directory: Path, staged: Path) -> None:
    for file in sorted(directory.glob("*.json")):
        document = json.loads(without_checkout(file.read_text(encoding="utf-8")))
        write_text(staged / file.name, json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n")


def _draw(pictures: Iterable[tuple[str, Callable[[], Figure]]], pictures_directory: Path, name: str) -> None:
    for picture, draw in pictures:
        figure = draw()
        save_png(figure, pictures_directory / f"{name}-{picture}.png")
        close(figure)


def _write_pictures(directory: Path, pictures_directory: Path, name: str) -> None:
    folder = read_folder(directory)
    if folder.manifest["kind"] in DUELS:
        return  # a table of two sides says it all
    drawn: dict[str, int] = {}
    programs = {runs.group.cell for runs in folder.groups if runs.group.cell.pass_name == "command"}
    kinds = (*PICTURE_NAMES, OVER_TIME) if len(programs) == 1 else PICTURE_NAMES
    chosen = []
    for picture, draw in pictures(folder, summarize_folder(folder)):
        kind = next((kind for kind in kinds if picture == kind or kind.endswith("-") and picture.startswith(kind)), None)
        if kind is None or drawn.get(kind, 0) >= MOST_CELL_PICTURES:
            continue
        drawn[kind] = drawn.get(kind, 0) + 1
        chosen.append((picture, draw))
    _draw(chosen, pictures_directory, name)


def _old_pictures(into: Path, name: str) -> list[Path]:
    return sorted((into / PICTURES).glob(f"{name}-*.png"))


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _put_in_place(staged: Path, pictures: Path, into: Path, name: str) -> None:
    for old in _old_pictures(into, name):
        old.unlink()
    if (into / name).exists():
        shutil.rmtree(into / name)
    staged.rename(into / name)
    (into / PICTURES).mkdir(exist_ok=True)
    for picture in sorted(pictures.iterdir()):
        picture.rename(into / PICTURES / picture.name)
