"""What `heapwise claims --out DIR` wrote: claims.json, read into data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence

from ..errors import HeapwiseError
from .folder import check_version, parse_json

CLAIMS_FILE = "claims.json"
Point = tuple[float, float]


@dataclass(frozen=True)
class Claim:
    """One claim with its verdict: `holds`, `holds_if`, `does_not_hold` or `not_testable`."""

    id: str
    says: str
    experiment: str
    verdict: str
    condition: str
    measured: str
    truth: str
    mechanism: str
    see_it: str
    runs: Sequence[Mapping[str, Any]]

    def curves(self) -> dict[str, list[Point]]:
        """The curves of all its runs, by name."""
        return {name: [(x, y) for x, y in points] for run in self.runs for name, points in run["curves"].items()}

    def value(self, name: str) -> int | None:
        """A figure that one of its runs told; None where none did."""
        return next((run["values"][name] for run in self.runs if name in run["values"]), None)


@dataclass(frozen=True)
class Question:
    number: int
    title: str
    answer: str
    claims: Sequence[Claim]


@dataclass(frozen=True)
class Claims:
    environment: Mapping[str, Any]
    conditions: Mapping[str, Any]
    questions: Sequence[Question]
    settings: Mapping[str, Any] | None  # the table of settings and block sizes; None: it was not asked for

    def claim(self, claim_id: str) -> Claim | None:
        return next((claim for question in self.questions for claim in question.claims if claim.id == claim_id), None)


def read_claims(folder: Path) -> Claims:
    """claims.json of a folder. Throws HeapwiseError where there is none or it is not one."""
    file = folder / CLAIMS_FILE
    if not file.is_file():
        raise HeapwiseError(f"{file} does not exist. Write it with `heapwise claims --out {folder}`.")
    document = parse_json(file.read_text(encoding="utf-8"), str(file))
    check_version(document, str(file))
    return claims_from(document)


def claims_from(document: Mapping[str, Any]) -> Claims:
    names = ("id", "says", "experiment", "verdict", "condition", "measured", "truth", "mechanism", "see_it", "runs")
    questions = [Question(one["number"], one["title"], one["answer"],
                          [Claim(**{name: claim[name] for name in names}) for claim in one["claims"]])
                 for one in document["questions"]]
    return Claims(document["environment"], document["conditions"], questions, document.get("settings_table"))
