"""What `heapwise claims --allocators … --out DIR` wrote: mechanisms.json, read into data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence

from ..errors import HeapwiseError
from .folder import check_version, parse_json

MECHANISMS_FILE = "mechanisms.json"


@dataclass(frozen=True)
class Allocator:
    """A column. `missing`: why it has no figures and what to install; empty where it has."""

    spec: str
    version: str
    missing: str


@dataclass(frozen=True)
class Mechanism:
    """A row: `summary` has one short text for each allocator that is not missing, by spec."""

    id: str
    title: str
    how: str
    summary: Mapping[str, str]
    notes: Sequence[str]


@dataclass(frozen=True)
class Mechanisms:
    environment: Mapping[str, Any]
    allocators: Sequence[Allocator]
    mechanisms: Sequence[Mechanism]


def read_mechanisms(folder: Path) -> Mechanisms:
    """mechanisms.json of a folder. Throws HeapwiseError where there is none or it is not one."""
    file = folder / MECHANISMS_FILE
    if not file.is_file():
        raise HeapwiseError(f"{file} does not exist. Write it with `heapwise claims --allocators 'A B' --out {folder}`.")
    document = parse_json(file.read_text(encoding="utf-8"), str(file))
    check_version(document, str(file))
    return mechanisms_from(document)


def mechanisms_from(document: Mapping[str, Any]) -> Mechanisms:
    allocators = [Allocator(one["spec"], one["version"], one["missing"]) for one in document["allocators"]]
    mechanisms = [Mechanism(one["id"], one["title"], one["how"], one["summary"], one["notes"]) for one in document["mechanisms"]]
    return Mechanisms(document["environment"], allocators, mechanisms)
