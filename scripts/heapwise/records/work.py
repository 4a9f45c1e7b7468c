"""Whether a run did the baseline's work: exit code, outputs, files and state, run by run.

Each thing that a run makes is compared with what the baseline's ok runs agree on; what they do not
agree on themselves is not compared. A run that made something else has no figures, because they
are those of other work; what it wrote to stderr alone does not take them away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Sequence

from ..labels import status_words
from .folder import GroupRuns, Record


@dataclass(frozen=True)
class Product:
    """Something a run makes. `kind` is that of the finding where it differs, `name` stands in sentences."""

    kind: str
    name: str
    path: str = ""
    takes_figures: bool = True


EXIT_CODE = Product("exit_code_differs", "the exit code")
STDOUT = Product("output_differs", "stdout")
STATE = Product("state_differs", "the state after the work")
STDERR = Product("stderr_differs", "stderr", takes_figures=False)


def file_product(path: str) -> Product:
    return Product("file_differs", f"the file {path}", path)


def made(record: Record, product: Product) -> Any:
    """What the run made of it, ready to be compared; None where it made nothing. Outputs and files: size and digest."""
    outcome = record.outcome
    if product == EXIT_CODE:
        return outcome.get("exit_code")
    if product == STATE:
        return outcome.get("state_digest")
    if product.path:
        return next(((file["size_bytes"], file["digest"]) for file in outcome.get("files", ())
                     if file["path"] == product.path), None)
    return outcome.get(f"{product.name}_bytes"), outcome.get(f"{product.name}_digest")


class GroupWork:
    """The runs of a group, held against what its baseline's ok runs agree on. Only pass `command` has products."""

    def __init__(self, runs: GroupRuns) -> None:
        self.runs = runs
        baseline = [record for record in runs.records(runs.group.baseline) if record.ok]
        self.baseline_runs_count = len(baseline)
        found = {product: {made(record, product) for record in baseline} for product in _products(baseline)}
        self.unstable = {product: values for product, values in found.items() if len(values) > 1}
        self.agreed = {product: next(iter(values)) for product, values in found.items() if len(values) == 1}

    def differences(self, record: Record) -> list[Product]:
        """What an ok run made otherwise; after another exit code the rest is no news."""
        if not record.ok:
            return []
        other = [product for product, value in self.agreed.items() if made(record, product) != value]
        return other[:1] if other[:1] == [EXIT_CODE] else other

    def missing_metrics(self, record: Record) -> list[str]:
        """The user's metrics that were not found in the output of an ok run."""
        names = [metric.name for metric in self.runs.group.user_metrics]
        return [name for name in names if record.ok and f"user_{name}" not in record.metrics]

    def failure_words(self, record: Record) -> str | None:
        """Why the run has no figures; None when it has."""
        if not record.ok:
            return status_words(record.status, record.status_detail, record.signal)
        taking = next((product for product in self.differences(record) if product.takes_figures), None)
        if taking is None:
            return None
        if taking == EXIT_CODE:
            return f"exit code {made(record, EXIT_CODE)} instead of {self.agreed[EXIT_CODE]}"
        return f"{taking.name} differs from the baseline's"

    def unequal_runs(self) -> Iterator[Record]:
        """The ok runs that are not the baseline's equal in everything that was to be the same or to be found."""
        for block in self.runs.blocks:
            yield from (record for record in block.values() if self.differences(record) or self.missing_metrics(record))


def _products(baseline: Sequence[Record]) -> list[Product]:
    """What the baseline's runs made, the gravest first."""
    if not baseline or baseline[0].cell.pass_name != "command":
        return []
    paths = dict.fromkeys(file["path"] for record in baseline for file in record.outcome.get("files", ()))
    states = [STATE] if any("state_digest" in record.outcome for record in baseline) else []
    return [EXIT_CODE, *map(file_product, paths), *states, STDOUT, STDERR]
