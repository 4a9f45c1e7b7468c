"""The table allocator x mechanism in the README, as Markdown; every word of it is of mechanisms.json."""

from __future__ import annotations

import html
from itertools import groupby
from typing import Sequence

from ..records.mechanisms import Allocator, Mechanism, Mechanisms
from .render import environment_line, markdown_table
from .tables import Table, Text

MISSING = "missing"


def mechanism_pages(measured: Mechanisms) -> list[str]:
    """The table, what is missing, and, folded, how each row came about with what was noted."""
    table = mechanism_table(measured)
    lines = [*markdown_table(table, left_columns=range(len(table.headings))), "", *_missing_lines(measured)]
    lines.extend(["<details><summary>How each row was measured, and what was written on aborting</summary>", ""])
    lines.extend(line for _, rows in groupby(measured.mechanisms, key=lambda one: one.how) for line in _how(tuple(rows)))
    return [*lines, "", "</details>", "", f"Measured on {environment_line({'environment': measured.environment})}."]


def mechanism_table(measured: Mechanisms) -> Table:
    """A row for each mechanism, a column for each allocator, missing ones too."""
    headings = ("mechanism", *(_heading(one) for one in measured.allocators))
    rows = [(Text(mechanism.title), *(Text(mechanism.summary.get(one.spec, MISSING)) for one in measured.allocators))
            for mechanism in measured.mechanisms]
    return Table("Mechanisms", "each measured from outside", headings, tuple(rows))


def _heading(allocator: Allocator) -> str:
    return f"{allocator.spec}<br><sub>{allocator.version}</sub>" if allocator.version else allocator.spec


def _missing_lines(measured: Mechanisms) -> list[str]:
    lines = [f"- {one.spec} is missing: {one.missing}" for one in measured.allocators if one.missing]
    return [*lines, ""] if lines else []


def _how(rows: Sequence[Mechanism]) -> list[str]:
    """Of neighbouring rows that were measured in one way: their titles, the way, and what was noted."""
    titles = "; ".join(f"**{row.title}**" for row in rows)
    return [f"- {titles}: {rows[0].how}", *(f"  - {html.escape(note, quote=False)}" for row in rows for note in row.notes)]
