"""Prints tables: for a terminal (aligned, at most 120 columns, colours only where wanted) and as Markdown."""

from __future__ import annotations

import os
import textwrap
from dataclasses import replace
from typing import Any, Mapping, Sequence, TextIO

from .labels import cell as cell_text
from .tables import (COMMAND_COLUMNS, LATENCY_COLUMNS, LEGEND, MEMORY_COLUMNS, TERMINAL_COLUMNS, TIME_COLUMNS, Column, Table,
                     Text, cell_table, cell_views, own_cost_table, sweep_table)

Summary = Mapping[str, Any]
TERMINAL_WIDTH = 120
# Figures with marks end in two columns of their own, so one space keeps them apart.
SEPARATORS = {True: " ", False: "  "}
NARROWEST_LABEL = 12
_COLOURS = {"better": "32", "worse": "31", "same": "2", "failed": "1;33", "strong": "1"}
_ASCII = str.maketrans({"×": "x", "▲": "+", "▼": "-", "…": "..", "µ": "u", "·": ".", "±": "+-"})


def wants_colour(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Colours for terminals only, and never against NO_COLOR or for TERM=dumb."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def fitted(text: str, stream: TextIO) -> str:
    """`text` with plain ASCII in place of what the stream's encoding lacks."""
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
        return text
    except (UnicodeEncodeError, LookupError):
        return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")


def terminal_summary(summary: Summary, colour: bool = False) -> str:
    """Everything a person at a terminal is shown; findings first."""
    parts = _findings_lines(summary)
    for view in cell_views(summary, "comparison"):
        table = cell_table(view, TERMINAL_COLUMNS)
        parts.extend(_terminal_table(table, colour) if table else _bare_cell(view))
    for view in cell_views(summary, "command"):
        table = cell_table(view, COMMAND_COLUMNS)
        parts.extend(_terminal_table(table, colour) if table else _bare_cell(view))
    for sweep in summary["sweeps"]:
        parts.extend(_terminal_table(sweep_table(sweep), colour))
        parts.extend([*_wrapped(sweep["reading"], "  "), ""])
    if any(group["purpose"] in ("comparison", "command", "sweep") for group in summary["groups"]):
        parts.extend(line for text in LEGEND for line in _wrapped(text, "  "))
    parts.extend(line for note in summary["notes"] for line in _wrapped(f"note: {note}", "  "))
    return "\n".join(parts).rstrip("\n") + "\n"


def markdown_summary(summary: Summary) -> str:
    """summary.md: the terminal's tables, with free and first write, and an interval for every memory figure."""
    parts = ["# Summary", "", environment_line(summary), ""]
    parts.extend(f"- **{finding['allocator']}**: {finding['text']}" for finding in summary["findings"])
    parts.extend([""] if summary["findings"] else [])
    for view in cell_views(summary, "comparison"):
        tables = [cell_table(view, columns) for columns in (TIME_COLUMNS, LATENCY_COLUMNS, MEMORY_COLUMNS)]
        parts.extend(_markdown_section([table for table in tables if table]))
    for view in cell_views(summary, "command"):
        table = cell_table(view, _with_intervals())
        parts.extend(_markdown_section([table] if table else []))
    for sweep in summary["sweeps"]:
        parts.extend([*_markdown_section([sweep_table(sweep)]), sweep["reading"], ""])
    own_costs = own_cost_table(summary)
    parts.extend(_markdown_section([own_costs]) if own_costs else [])
    parts.extend(f"- {text}" for text in LEGEND)
    parts.extend(f"- note: {note}" for note in summary["notes"])
    return "\n".join(parts).rstrip("\n") + "\n"


def environment_line(summary: Summary) -> str:
    """The machine in one line."""
    environment = summary["environment"]
    memory_gib = environment["memory_bytes"] / (1 << 30)
    parts = [f"{environment['cpu_model']}, {environment['cpus_count']} CPUs, {memory_gib:.1f} GiB", environment["kernel"]]
    parts.extend(f"{name} {environment[name]}" for name in ("libc", "compiler") if environment.get(name))
    if environment.get("thp"):
        parts.append(f"THP {environment['thp']}")
    if environment.get("swap_bytes") is not None:
        parts.append("swap" if environment["swap_bytes"] else "no swap")
    return "; ".join(parts)


def markdown_table(table: Table) -> list[str]:
    """The table's lines; a word in the place of figures stands in the first of its columns."""
    lines = [_markdown_row(table.headings), "|" + "|".join([" :--- "] + [" ---: "] * (len(table.headings) - 1)) + "|"]
    for row in table.rows:
        cells: list[str] = []
        for text in row:
            words = text.text.strip()
            emphasised = f"**{words}**" if text.tone in ("failed", "strong") and words else words
            cells.extend([emphasised] + [""] * (text.span - 1))
        lines.append(_markdown_row(cells))
    return lines


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _markdown_section(tables: Sequence[Table]) -> list[str]:
    if not tables:
        return []
    lines = [f"## {tables[0].title}", "", tables[0].subtitle, ""]
    for table in tables:
        lines.extend([*markdown_table(table), ""])
    notes = dict.fromkeys(note for table in tables for note in table.notes)
    lines.extend([*(f"- {note}" for note in notes), ""] if notes else [])
    return lines


def _with_intervals() -> tuple[Column, ...]:
    return tuple(replace(column, interval=True) for column in COMMAND_COLUMNS)


def _findings_lines(summary: Summary) -> list[str]:
    if not summary["findings"]:
        return []
    lines = ["before any figure:"]
    for finding in summary["findings"]:
        lines.extend(_wrapped(f"{finding['allocator']}: {finding['text']}", "  ", first="  ! "))
    return [*lines, ""]


def _bare_cell(view: Any) -> list[str]:
    """A cell of which only the untimed `checked` pass was run."""
    first = view.first
    lines = [cell_text(first["workload"], first["parameters"], first["threads"])]
    for allocator in view.allocators:
        runs = view.runs(first["pass"], allocator)
        words = (runs["status_text"] or f"ok in {runs['ok_count']} runs") if runs else "not run"
        lines.extend(_wrapped(f"{first['pass']}: {allocator} {words}", "  "))
    return [*lines, ""]


def _terminal_table(table: Table, colour: bool) -> list[str]:
    widths, separator = _widths(table), SEPARATORS[table.marked]
    lines = _wrapped(_tinted(table.title, "strong", colour), "") if len(table.title) <= TERMINAL_WIDTH \
        else [_tinted(line, "strong", colour) for line in _wrapped(table.title, "  ", first="")]
    lines.extend(_wrapped(table.subtitle, "  "))
    lines.append(_line(_headings(table, widths), widths, separator, colour=False))
    lines.append("  " + "─" * (sum(widths) + len(separator) * (len(widths) - 1)))
    for row in table.rows:
        if len(row[0].text) > widths[0]:
            lines.extend(_tinted(line, row[0].tone, colour) for line in _wrapped(row[0].text, "  "))
            row = (Text("", row[0].tone), *row[1:])
        lines.append(_line(row, widths, separator, colour))
    lines.extend(line for note in table.notes for line in _wrapped(note, "    ", first="  "))
    return [*lines, ""]


def _widths(table: Table) -> list[int]:
    """Column widths; the first gives way when the line would pass the terminal's width."""
    widths, separator = [len(heading) for heading in table.headings], SEPARATORS[table.marked]
    for row in table.rows:
        position = 0
        for text in row:
            if text.span == 1:
                widths[position] = max(widths[position], len(text.text))
            else:
                inside = sum(widths[position:position + text.span]) + len(separator) * (text.span - 1)
                widths[position] += max(0, len(text.text) - inside)
            position += text.span
    rest = 2 + sum(widths[1:]) + len(separator) * (len(widths) - 1)
    widths[0] = min(widths[0], max(NARROWEST_LABEL, TERMINAL_WIDTH - rest))
    return widths


def _headings(table: Table, widths: Sequence[int]) -> list[Text]:
    """The headings; over figures with marks they stand over the digits."""
    shift = "  " if table.marked else ""
    return [Text(heading + shift if position and len(heading + shift) <= widths[position] else heading)
            for position, heading in enumerate(table.headings)]


def _line(row: Sequence[Text], widths: Sequence[int], separator: str, colour: bool) -> str:
    parts, position = [], 0
    for index, text in enumerate(row):
        width = sum(widths[position:position + text.span]) + len(separator) * (text.span - 1)
        padded = text.text.ljust(width) if index == 0 or text.span > 1 else text.text.rjust(width)
        parts.append(_tinted(padded, text.tone, colour))
        position += text.span
    return ("  " + separator.join(parts)).rstrip()


def _tinted(text: str, tone: str, colour: bool) -> str:
    code = _COLOURS.get(tone)
    return f"\033[{code}m{text}\033[0m" if colour and code and text.strip() else text


def _wrapped(text: str, indent: str, first: str | None = None) -> list[str]:
    return textwrap.wrap(text, TERMINAL_WIDTH, initial_indent=indent if first is None else first,
                         subsequent_indent=indent + "  ") or [""]
