"""The tables of two folders' comparison, as data, from its document alone. render.py prints them.

One table for each workload cell, a row for each metric of each allocator, the worst verdicts first: both medians, the
effect with its interval, and the verdict in a word. Figures that are the same are counted; `everything` shows them too.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Mapping, Sequence

from .. import labels
from ..inference.statistics import Estimate
from ..records.cells import common_parameters, join_passes
from ..records.metrics import band_of, label_of
from .tables import MARKS, Table, Text, effect_words

Node = Mapping[str, Any]
HEADINGS = ("", "A", "B", "B against A", "verdict")
VERDICT_ORDER = ("worse", "better", "no_data", "undecided", None, "same")
TONES = {"undecided": "plain", None: "plain", "no_data": "failed"}
VERDICT_WORDS = {"no_data": "no data", None: "no verdict"}
LEGEND = (
    "B against A, lower is better unless a metric of your own says higher: ▲ worse, ▼ better, = same, ~ undecided",
    "time: what is compared is each folder's ratio to the common baseline inside its own blocks (Mann-Whitney, "
    "Benjamini-Hochberg, p < .05), because a machine's mood changes from sitting to sitting: the medians A and B are "
    "each sitting's own and not to be divided; (low…high) and no mark: fewer than 8 blocks in a folder",
    "system calls, faults and memory: all runs of A against all of B; [low, high] is a 95 % interval, or the range "
    "where a folder has too few runs for one; (low…high) and no mark: a single run",
    "undecided, ±I % > ±B %: half the interval is wider than the band in which figures are the same; more blocks "
    "narrow it",
)


def comparison_tables(document: Node, everything: bool = False) -> list[Table]:
    """The cells in which something is to be shown, in the order of the plan."""
    tables = [_table(groups, entries, everything) for groups, entries in cells_of_entries(document["comparisons"])]
    return [table for table in tables if table.rows or table.notes]


def quiet_cells(document: Node) -> list[str]:
    """The titles of the cells in which every figure is the same."""
    return [title_of_cell(groups) for groups, entries in cells_of_entries(document["comparisons"])
            if all(entry["verdict"] == "same" for entry in entries)]


def counts_line(document: Node) -> str:
    """What a reader takes home: `3 worse, 1 better, 40 same, 2 undecided, of 46 figures`."""
    if not document["comparisons"]:
        return "incomparable: no figure of A may be set against one of B"
    counts = Counter(entry["verdict"] for entry in document["comparisons"])
    words = [f"{counts[verdict]} {verdict}" for verdict in ("worse", "better", "same", "undecided")]
    words.extend(f"{counts[verdict]} {VERDICT_WORDS[verdict]}" for verdict in ("no_data", None) if counts[verdict])
    return f"{', '.join(words)}, of {sum(counts.values())} figures"


def header_lines(document: Node) -> list[str]:
    """The two folders."""
    lines = []
    for letter, role in (("A", "baseline"), ("B", "candidate")):
        side = document[role]
        profile = f", profile {side['profile']}" if side["profile"] else ""
        limit = f", {labels.memory_limit(side['memory_limit_bytes'])}" if side.get("memory_limit_bytes") else ""
        lines.append(f"{letter} ({role}): {side['path']}, heapwise {side['kind']}{profile}{limit}")
    return lines


def cells_of_entries(found: Sequence[Node]) -> list[tuple[list[Node], list[Node]]]:
    """The groups of each cell (entries that stand for them), and its entries."""
    by_group: dict[str, list[Node]] = {}
    for entry in found:
        by_group.setdefault(_group_of(entry), []).append(entry)
    firsts = [entries[0] for entries in by_group.values()]
    purposes = dict.fromkeys(group["purpose"] for group in firsts)
    cells = [groups for purpose in purposes for groups in join_passes(firsts, purpose)]
    return [(groups, [entry for group in groups for entry in by_group[_group_of(group)]]) for groups in cells]


def _group_of(entry: Node) -> str:
    names = ("workload", "parameters", "threads", "pass", "purpose")
    return json.dumps([entry[name] for name in names], sort_keys=True)


def title_of_cell(groups: Sequence[Node]) -> str:
    return labels.cell(groups[0]["workload"], common_parameters(groups), groups[0]["threads"], groups[0]["title"])


def _table(groups: Sequence[Node], entries: Sequence[Node], everything: bool) -> Table:
    shown = sorted((entry for entry in entries if everything or _is_worth_a_row(entry)),
                   key=lambda entry: VERDICT_ORDER.index(entry["verdict"]))
    same = sum(entry["verdict"] == "same" for entry in entries)
    subtitle = blocks_words(groups, entries)
    if same and not everything:
        subtitle += f"; {same} more {'figure is' if same == 1 else 'figures are'} the same"
    return Table(title_of_cell(groups), subtitle, HEADINGS,
                 tuple(row_of(entry, f"{label_of(entry['metric'], entry['pass'])} of {entry['allocator']}") for entry in shown),
                 tuple(_reasons(entries)))


def blocks_words(groups: Sequence[Node], entries: Sequence[Node]) -> str:
    blocks = {group["pass"]: max(e["blocks_count"] for e in entries if e["pass"] == group["pass"]) for group in groups}
    return "blocks: " + ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in blocks.items())


def _is_worth_a_row(entry: Node) -> bool:
    """Not what is the same, nor what a note says of many figures at once: no verdict, or data on neither side."""
    if entry["verdict"] == "no_data":
        return entry["median"] is not None or entry["baseline_median"] is not None
    return entry["verdict"] != "same" and (entry["verdict"] is not None or "reason" not in entry)


def row_of(entry: Node, label: str) -> tuple[Text, ...]:
    """A figure in a table of two sides: both medians, the effect, the verdict."""
    tone = TONES.get(entry["verdict"], entry["verdict"])
    medians = (entry["baseline_median"], entry["median"])
    return (Text(label),
            *(Text("·" if median is None else labels.quantity(median, entry["unit"])) for median in medians),
            Text(_effect(entry), tone), Text(f"{_verdict_words(entry)} {MARKS[entry['verdict']]}", tone))


def _effect(entry: Node) -> str:
    if entry["ratio"] is None and entry["difference"] is None:
        return "·"
    centre, low, high = effect_words(entry)
    if low == high:
        return centre
    return f"{centre} ({low}…{high})" if entry["verdict"] is None else f"{centre} [{low}, {high}]"


def _verdict_words(entry: Node) -> str:
    words = VERDICT_WORDS.get(entry["verdict"], entry["verdict"])
    if entry["verdict"] != "undecided" or entry["ratio"] is None:
        return words
    half = Estimate(*(entry[name] for name in ("ratio", "ratio_low", "ratio_high"))).half_width
    band = band_of(entry["metric"], entry["pass"])
    return f"{words}, ±{100 * half:.1f} % > ±{100 * band:g} %" if half > band > 0 else words


def _reasons(entries: Sequence[Node]) -> list[str]:
    """Why figures have no verdict or no data; the allocators of one reason together."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        if entry["verdict"] in ("no_data", None) and "reason" in entry:
            found.setdefault(entry["reason"], []).append(entry["allocator"])
    return [f"{', '.join(dict.fromkeys(allocators))}: {reason}" for reason, allocators in found.items()]
