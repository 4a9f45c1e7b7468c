"""What the built program can measure, as `heapwise list --json` says it: workloads by family, and the rows of the profiles."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from ..errors import HeapwiseError

BUILD_VARIABLE = "HEAPWISE_BUILD_DIR"
_SECONDS = 60


@dataclass(frozen=True)
class Parameter:
    key: str
    unit: str  # bytes, count or choice
    default: int | str  # of a choice its word
    help: str
    minimum: int = 0
    maximum: int = 0
    choices: tuple[str, ...] = ()  # of a choice, which has no range


@dataclass(frozen=True)
class Workload:
    name: str
    family: str
    models: str  # in a line
    passes: tuple[str, ...]  # that can be made over it
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True)
class ProfileRow:
    profile: str
    workload: str
    spec: str
    passes: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """Workloads by family, in the order in which both are shown."""

    workloads: tuple[Workload, ...]
    rows: tuple[ProfileRow, ...]

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> "Catalogue":
        workloads = tuple(Workload(one["name"], one["family"], one["models"], tuple(one["passes"]),
                                   tuple(_parameter(node) for node in one["parameters"])) for one in document["workloads"])
        rows = tuple(ProfileRow(profile["name"], row["workload"].partition(":")[0], row["workload"], tuple(row["passes"]))
                     for profile in document["profiles"] for row in profile["rows"])
        return Catalogue(workloads, rows)

    @property
    def families(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(workload.family for workload in self.workloads))

    def of_family(self, family: str) -> tuple[Workload, ...]:
        return tuple(workload for workload in self.workloads if workload.family == family)


def _parameter(node: Mapping[str, Any]) -> Parameter:
    return Parameter(node["key"], node["unit"], node["default"], node["help"], node.get("minimum", 0), node.get("maximum", 0),
                     tuple(node.get("choices", ())))


def build_folder(root: Path) -> Path:
    """HEAPWISE_BUILD_DIR, or build/ of the repository."""
    return Path(os.environ.get(BUILD_VARIABLE) or root / "build")


def ask_program(build: Path) -> Catalogue:
    """The catalogue of the program in a build folder. Raises HeapwiseError where there is none that answers."""
    program = build / "heapwise"
    try:
        answer = subprocess.run([program.absolute(), "list", "--json"], capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        why = getattr(error, "strerror", None) or getattr(error, "stderr", None) or f"no answer within {_SECONDS} s"
        raise HeapwiseError(f"{program} does not say what it can measure ({why.strip()}). Build it with `make suite`, or name the "
                            f"folder it lies in with --build or {BUILD_VARIABLE}.") from error
    return Catalogue.from_json(json.loads(answer.stdout))
