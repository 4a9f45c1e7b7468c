"""The comment at the top of a workload's file: what it models, what not, where its parameters come from, how to read it.

    // NAME
    //
    // Models: a text of any number of paragraphs, lists (`- `) and drawings (indented by four).
    //
    // Does not model: …
    //
    // Parameters and their source: …
    //
    // How to read the result: …
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import HeapwiseError

PARTS = ("Models", "Does not model", "Parameters and their source", "How to read the result")


@dataclass(frozen=True)
class Header:
    """`parts` by the names in PARTS; each a tuple of paragraphs, whose lines are as in the file."""

    name: str
    parts: dict[str, tuple[tuple[str, ...], ...]]


def header_file(root: Path, workload: str) -> Path:
    return root / "workloads" / f"{workload}.cpp"


def read_header(file: Path) -> Header:
    """Raises HeapwiseError naming the file and what is missing, empty, twice or out of order."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise HeapwiseError(f"{file} cannot be read ({error.strerror}): each workload has a file of its name.") from error
    name, *paragraphs = _paragraphs(text) or [()]
    if name != (file.stem,):
        raise HeapwiseError(f"{file}: the first line is to be `// {file.stem}`, the workload's name, alone.")
    parts: dict[str, list[tuple[str, ...]]] = {}
    for paragraph in paragraphs:
        part = _part_begun_by(paragraph[0])
        if part in parts:
            raise HeapwiseError(f"{file}: the part `{part}:` is there twice.")
        if part is not None:
            parts[part] = []
            rest = (paragraph[0].partition(":")[2].strip(), *paragraph[1:])
            paragraph = tuple(line for line in rest if line)
        if not parts:
            raise HeapwiseError(f"{file}: the header begins with `{paragraph[0]}`, not with `{PARTS[0]}:`.")
        if paragraph:
            parts[list(parts)[-1]].append(paragraph)
    for part in PARTS:
        if not parts.get(part):
            raise HeapwiseError(f"{file}: the header has no part `{part}:`, or nothing in it. Say it in a paragraph of its own.")
    if tuple(parts) != PARTS:
        raise HeapwiseError(f"{file}: the parts of the header stand in another order than {', '.join(f'`{part}`' for part in PARTS)}.")
    return Header(file.stem, {part: tuple(paragraphs) for part, paragraphs in parts.items()})


def _paragraphs(text: str) -> list[tuple[str, ...]]:
    """The lines of the leading comment without `//` and the space behind it, split where a line is empty."""
    comment = re.match(r"(?://[^\n]*\n)*", text).group()
    lines = [line[2:].removeprefix(" ").rstrip() for line in comment.splitlines()]
    return [tuple(part.split("\n")) for part in re.split(r"\n{2,}", "\n".join(lines).strip("\n")) if part]


def _part_begun_by(line: str) -> str | None:
    return next((part for part in PARTS if line.startswith(f"{part}:")), None)
