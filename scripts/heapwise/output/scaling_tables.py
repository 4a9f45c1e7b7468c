"""What more threads bring, as tables: threads × allocators, the speed-up of each, and each against the baseline."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from .. import labels
from ..inference.statistics import FEWEST_PAIRS_FOR_VERDICT
from .tables import MARKS, Table, Text

Node = Mapping[str, Any]


def scaling_tables(summary: Node, full: bool = False) -> list[Table]:
    """Two of each cell that was measured with several numbers of threads, none of other folders; `full`: with intervals."""
    cpus = summary["environment"]["cpus_count"]
    return [table for scaling in summary.get("scaling", ()) for table in (_speed_ups(scaling, cpus, full), _ratios(scaling, full))]


def numbers_of_threads(scaling: Node) -> list[int]:
    return list(dict.fromkeys(row["threads"] for row in scaling["rows"]))


def allocators_of(scaling: Node) -> list[str]:
    return list(dict.fromkeys(row["allocator"] for row in scaling["rows"]))


def _speed_ups(scaling: Node, cpus: int, full: bool) -> Table:
    fewest = numbers_of_threads(scaling)[0]

    def entry(row: Node) -> Text:
        if row["threads"] == fewest:
            return Text(labels.rate(row["operations_per_second"]), "strong")
        return Text("none" if row["speed_up"] is None else _ratio_words(row, "speed_up", full))

    shared = [str(number) for number in numbers_of_threads(scaling) if number > cpus]
    notes = (f"{labels.joined(shared)} threads share the {cpus} CPUs",) if shared else ()
    subtitle = f"operations a second of {labels.threads(fewest)}, and how many times as many there are with more; {_blocks_text(scaling)}"
    return _table(scaling, f"scaling: {scaling['title']}", subtitle, entry, notes)


def _ratios(scaling: Node, full: bool) -> Table:
    def entry(row: Node) -> Text:
        if row["ratio"] is None:
            return Text(f"{labels.duration(1e9 / row['operations_per_second'])}  ", "strong")
        tone = row["verdict"] if row["verdict"] in ("better", "worse", "same") else "plain"
        return Text(f"{_ratio_words(row, 'ratio', full)} {MARKS[row['verdict']]}", tone)

    failures = dict.fromkeys(f"{row['allocator']}, {labels.threads(row['threads'])}: {row['status_text']}"
                             for row in scaling["rows"] if row["status_text"])
    return _table(scaling, f"scaling: {scaling['title']}, against {scaling['baseline']}", "time an operation at each number of threads",
                  entry, tuple(failures))


def _ratio_words(row: Node, name: str, full: bool) -> str:
    words, (low, high) = labels.ratio(row[name]), (labels.ratio(row[f"{name}_{end}"])[:-1] for end in ("low", "high"))
    if not full or low == high:
        return words
    return f"{words} [{low}, {high}]" if row["blocks_count"] >= FEWEST_PAIRS_FOR_VERDICT else f"{words} ({low}…{high})"


def _table(scaling: Node, title: str, subtitle: str, entry: Callable[[Node], Text], notes: tuple[str, ...]) -> Table:
    rows = {(row["threads"], row["allocator"]): row for row in scaling["rows"]}
    allocators = allocators_of(scaling)
    lines = tuple((Text(str(number)), *(_entry(rows.get((number, allocator)), entry) for allocator in allocators))
                  for number in numbers_of_threads(scaling))
    return Table(title, subtitle, ("threads", *allocators), lines, notes)


def _entry(row: Node | None, entry: Callable[[Node], Text]) -> Text:
    if row is None:
        return Text("not run", "failed")
    if row["operations_per_second"] is None:
        return Text((row["status_text"] or "no blocks").split(":")[0].split(" (")[0], "failed")
    return entry(row)


def _blocks_text(scaling: Node) -> str:
    numbers = sorted({row["blocks_count"] for row in scaling["rows"] if row["blocks_count"]})
    return f"blocks: {labels.joined([str(number) for number in numbers]) or '0'}"
