"""A gate for a terminal, and gate.md for the page of a CI job. Specs and paths may hold any character."""

from __future__ import annotations

from typing import Any, Mapping

from ..records.fingerprint import refusal_lines
from .gate_tables import LEGEND, full_table, gate_tables, not_judged_lines, verdict_line
from .render import markdown_table, terminal_table, wrapped
from .tables import Table

Node = Mapping[str, Any]


def terminal_gate(document: Node, colour: bool = False) -> str:
    """Refusals first, then each outcome but the passes, the verdict last."""
    parts = [line for text in refusal_lines(document["refused"]) for line in wrapped(text, "  ", first="! ")]
    tables = gate_tables(document)
    for table in tables:
        parts.extend(terminal_table(table, colour))
    parts.extend(wrapped(LEGEND, "  ") if tables else [])
    parts.extend(line for text in not_judged_lines(document) for line in wrapped(text, "  "))
    parts.extend(line for note in document["notes"] for line in wrapped(f"note: {note}", "  "))
    return "\n".join([*parts, *wrapped(verdict_line(document), "  ", first="")]) + "\n"


def markdown_gate(document: Node) -> str:
    """The verdict in a line, what does not pass, and all judgements folded."""
    parts = [f"**{_plain(verdict_line(document))}**", ""]
    for table in gate_tables(document):
        parts.extend([f"### {table.title}", "", table.subtitle, "", *_table(table), ""])
    if document["judgements"]:
        summary = f"<summary>all {len(document['judgements'])} judgements</summary>"
        parts.extend(["<details>", summary, "", *_table(full_table(document)), "", "</details>", ""])
    remarks = [*refusal_lines(document["refused"]), *not_judged_lines(document), *document["notes"]]
    parts.extend(f"- {_plain(text)}" for text in [*remarks, *([LEGEND] if document["judgements"] else [])])
    return "\n".join(parts) + "\n"


def _table(table: Table) -> list[str]:
    return [_plain(line) for line in markdown_table(table)]


def _plain(text: str) -> str:
    """On one line, and no HTML."""
    return " ".join(text.splitlines()).replace("&", "&amp;").replace("<", "&lt;")
