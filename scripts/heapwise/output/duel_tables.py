"""The tables of two allocators that were measured against each other, as data, from their summary alone.

One table for each workload cell, a row for each metric: both medians, the effect with its interval, the verdict in a word.
"""

from __future__ import annotations

from typing import Any, Mapping

from ..records.cells import group_key
from ..records.metrics import label_of
from .comparison_tables import HEADINGS, blocks_words, cells_of_entries, row_of, title_of_cell
from .tables import Table

Node = Mapping[str, Any]
DUELS = ("compare", "gate")
LEGEND = (
    "B against A, lower is better: ▲ worse, ▼ better, = same, ~ undecided (Wilcoxon signed-rank over pairs of processes, "
    "Benjamini-Hochberg, p < .05, and an effect outside the metric's band)",
    "time in lockstep: two live processes take turns on one CPU; a pair's effect is the median of its slices' ratios, so it "
    "is finer than the two medians are; [low, high] is a 95 % interval over fresh pairs of processes",
    "undecided, ±I % > ±B %: half the interval is wider than the band in which figures are the same; more time narrows it, "
    "by half for four times as much",
)


def duel_tables(summary: Node) -> list[Table]:
    """The cells in the order of the plan; those without a figure are in `failure_lines`."""
    titles = {group_key(group): group["title"] for group in summary["groups"]}
    entries = [{**entry, "title": titles[group_key(entry)]} for entry in summary["comparisons"]]
    return [Table(title_of_cell(groups), blocks_words(groups, found), HEADINGS,
                  tuple(row_of(entry, label_of(entry["metric"], entry["pass"])) for entry in found))
            for groups, found in cells_of_entries(entries)]


def side_lines(summary: Node) -> list[str]:
    """Who is A and who is B."""
    group = summary["groups"][0]
    candidate = next(one["allocator"] for one in group["allocators"] if one["allocator"] != group["baseline"])
    return [f"A (baseline): {group['baseline']}", f"B (candidate): {candidate}"]


def failure_lines(summary: Node) -> list[str]:
    """What went wrong in the runs of each group."""
    return [f"{group['title']}, {group['pass'].replace('_', ' ')}, {one['allocator']}: {one['status_text']}"
            for group in summary["groups"] for one in group["allocators"] if one["status_text"]]
