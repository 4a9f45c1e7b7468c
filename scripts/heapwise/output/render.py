"""Prints tables: for a terminal (aligned, at most 120 columns, colours only where wanted) and as Markdown."""

from __future__ import annotations

import os
import textwrap
from dataclasses import replace
from typing import Any, Mapping, Sequence, TextIO

from ..labels import memory_limit
from ..records.fingerprint import refusal_lines
from .comparison_tables import LEGEND as COMPARISON_LEGEND
from .comparison_tables import comparison_tables, counts_line, header_lines, quiet_cells
from .duel_tables import DUELS, duel_tables, failure_lines, side_lines
from .duel_tables import LEGEND as DUEL_LEGEND
from .endurance_tables import endurance_table
from .fragmentation_tables import fragmentation_table
from .inside_tables import inside_table
from .program_tables import finding_lines, overview_tables, program_table
from .scaling_tables import scaling_tables
from .tables import (LATENCY_COLUMNS, MEMORY_COLUMNS, RESPONSE_COLUMNS, TERMINAL_COLUMNS, TIME_COLUMNS, CellView, Table, Text,
                     cell_table, cell_views, legend_of, own_cost_table, positions, sweep_table, with_pressure)

Summary = Mapping[str, Any]
TERMINAL_WIDTH = 120
GAP = 2
NARROWEST_LABEL = 12
_COLOURS = {"better": "32", "worse": "31", "same": "2", "failed": "1;33", "strong": "1"}
_ASCII = str.maketrans({"×": "x", "▲": "+", "▼": "-", "…": "..", "µ": "u", "·": ".", "±": "+-", "↑": "^", "≠": "!="})


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
    """Everything a person at a terminal is shown; findings first, what concludes last."""
    if summary["kind"] in DUELS:
        return _terminal_duel(summary, colour)
    parts = [*_limit_lines(summary), *_findings_lines(summary)]
    for view in cell_views(summary, "comparison"):
        table, split = cell_table(view, with_pressure(view, TERMINAL_COLUMNS)), fragmentation_table(view)
        parts.extend(terminal_table(table, colour) if table else [] if split else _bare_cell(view))
        if split:  # whose notes are among the cell's
            parts.extend(terminal_table(replace(split, notes=()) if table else split, colour))
    for view in cell_views(summary, "command"):
        table = program_table(view)
        parts.extend(terminal_table(table, colour) if table else _bare_cell(view))
    for table in overview_tables(cell_views(summary, "command")):
        parts.extend(terminal_table(table, colour))
    for table in scaling_tables(summary):
        parts.extend(terminal_table(table, colour))
    for sweep in summary["sweeps"]:
        parts.extend(terminal_table(sweep_table(sweep), colour))
        parts.extend([*wrapped(sweep["reading"], "  "), ""])
    for table in (endurance_table(summary, everything=False), inside_table(summary)):
        parts.extend(terminal_table(table, colour) if table else [])
    if any(group["purpose"] in ("comparison", "command", "sweep") for group in summary["groups"]):
        parts.extend(line for text in legend_of(summary) for line in wrapped(text, "  "))
    parts.extend(line for note in summary["notes"] for line in wrapped(f"note: {note}", "  "))
    return "\n".join(parts).rstrip("\n") + "\n"


def _terminal_duel(summary: Summary, colour: bool) -> str:
    """Two allocators measured against each other; failures first, the count of all verdicts last."""
    parts = [*side_lines(summary), *(line for text in failure_lines(summary) for line in wrapped(text, "  ", first="! ")), ""]
    for table in duel_tables(summary):
        parts.extend(terminal_table(table, colour))
    parts.extend(line for text in DUEL_LEGEND for line in wrapped(text, "  "))
    parts.extend(line for note in summary["notes"] for line in wrapped(f"note: {note}", "  "))
    return "\n".join([*parts, counts_line(summary) if summary["comparisons"] else "no figures to compare"]) + "\n"


def terminal_comparison(document: Mapping[str, Any], everything: bool = False, colour: bool = False) -> str:
    """Two folders set against each other; refusals first, the count of all verdicts last."""
    parts = [line for text in header_lines(document) for line in wrapped(text, "  ", first="")]
    parts.extend(line for text in refusal_lines(document["refused"]) for line in wrapped(text, "  ", first="! "))
    parts.append("")
    for table in comparison_tables(document, everything):
        parts.extend(terminal_table(table, colour) if table.rows else _title_and_notes(table))
    quiet = [] if everything else quiet_cells(document)
    if quiet:
        parts.extend([*wrapped(f"every figure is the same: {'; '.join(quiet)}", "  ", first=""), ""])
    if document["comparisons"]:
        parts.extend(line for text in COMPARISON_LEGEND for line in wrapped(text, "  "))
    parts.extend(line for note in document["notes"] for line in wrapped(f"note: {note}", "  "))
    return "\n".join([*parts, counts_line(document)]) + "\n"


def markdown_summary(summary: Summary) -> str:
    """summary.md: the terminal's tables, with free and first write, and an interval for every response and memory figure."""
    parts = ["# Summary", "", environment_line(summary), ""]
    if summary["kind"] in DUELS:
        return _markdown_duel(summary, parts)
    parts.extend(f"- **{subject}**: {text}" for subject, text in finding_lines(summary))
    parts.extend([""] if summary["findings"] else [])
    for view in cell_views(summary, "comparison"):
        tables = [cell_table(view, with_pressure(view, columns))
                  for columns in (TIME_COLUMNS, LATENCY_COLUMNS, RESPONSE_COLUMNS, MEMORY_COLUMNS)]
        parts.extend(_markdown_section([table for table in (*tables, fragmentation_table(view)) if table]))
    for table in overview_tables(cell_views(summary, "command")):
        parts.extend(_markdown_section([table]))
    for view in cell_views(summary, "command"):
        table = program_table(view, full=True)
        parts.extend(_markdown_section([table] if table else []))
    for table in scaling_tables(summary, full=True):
        parts.extend(_markdown_section([table]))
    for sweep in summary["sweeps"]:
        parts.extend([*_markdown_section([sweep_table(sweep)]), sweep["reading"], ""])
    for table in (endurance_table(summary), inside_table(summary), own_cost_table(summary)):
        parts.extend(_markdown_section([table] if table else []))
    parts.extend(f"- {text}" for text in legend_of(summary))
    parts.extend(f"- note: {note}" for note in summary["notes"])
    return "\n".join(parts).rstrip("\n") + "\n"


def _markdown_duel(summary: Summary, parts: list[str]) -> str:
    parts.extend([f"- {text}" for text in (*side_lines(summary), *failure_lines(summary))])
    for table in duel_tables(summary):
        parts.extend(["", *_markdown_section([table])])
    parts.extend(f"- {text}" for text in DUEL_LEGEND)
    parts.extend(f"- note: {note}" for note in summary["notes"])
    return "\n".join([*parts, "", counts_line(summary) if summary["comparisons"] else "no figures to compare"]) + "\n"


def environment_line(summary: Summary) -> str:
    """The machine in one line, and what its runs were held to. Of a summary or a manifest."""
    environment = summary["environment"]
    memory_gib = environment["memory_bytes"] / (1 << 30)
    parts = [f"{environment['cpu_model']}, {environment['cpus_count']} CPUs, {memory_gib:.1f} GiB", environment["kernel"]]
    parts.extend(f"{name} {environment[name]}" for name in ("libc", "compiler") if environment.get(name))
    if environment.get("thp"):
        parts.append(f"THP {environment['thp']}")
    if environment.get("swap_bytes") is not None:
        parts.append("swap" if environment["swap_bytes"] else "no swap")
    if summary.get("memory_limit_bytes"):
        parts.append(memory_limit(summary["memory_limit_bytes"]))
    return "; ".join(parts)


def terminal_table(table: Table, colour: bool) -> list[str]:
    """The table's lines, TERMINAL_WIDTH wide at most, and an empty one."""
    lines = [_tinted(line, "strong", colour) for line in wrapped(table.title, "  ", first="")]
    lines.extend(wrapped(table.subtitle, "  "))
    for part in _fitting_parts(table):
        lines.extend(_grid(part, colour))
    lines.extend(line for note in table.notes for line in wrapped(note, "    ", first="  "))
    return [*lines, ""]


def wrapped(text: str, indent: str, first: str | None = None) -> list[str]:
    """The text in lines of TERMINAL_WIDTH; what follows the first is indented two more."""
    return textwrap.wrap(text, TERMINAL_WIDTH, initial_indent=indent if first is None else first,
                         subsequent_indent=indent + "  ") or [""]


def markdown_table(table: Table, left_columns: Sequence[int] = (0,)) -> list[str]:
    """The table's lines; a word in the place of figures stands in the first of its columns. `left_columns` hold words."""
    sides = (" :--- " if position in left_columns else " ---: " for position in range(len(table.headings)))
    lines = [_markdown_row(table.headings), f"|{'|'.join(sides)}|"]
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


def _limit_lines(summary: Summary) -> list[str]:
    limit = summary.get("memory_limit_bytes")
    return [f"measured {memory_limit(limit)}", ""] if limit else []


def _findings_lines(summary: Summary) -> list[str]:
    if not summary["findings"]:
        return []
    lines = ["before any figure:"]
    for subject, text in finding_lines(summary):
        lines.extend(wrapped(f"{subject}: {text}", "  ", first="  ! "))
    return [*lines, ""]


def _bare_cell(view: CellView) -> list[str]:
    """A cell of which only the untimed `checked` pass was run."""
    lines = [view.title]
    for pass_name in view.groups:
        for allocator in view.allocators:
            runs = view.runs(pass_name, allocator)
            words = (runs["status_text"] or f"ok in {runs['ok_count']} runs") if runs else "not run"
            lines.extend(wrapped(f"{pass_name}: {allocator} {words}", "  "))
    return [*lines, ""]


def _title_and_notes(table: Table) -> list[str]:
    """A table of which no row is worth showing."""
    lines = [*wrapped(table.title, "  ", first=""), *wrapped(table.subtitle, "  ")]
    return [*lines, *(line for note in table.notes for line in wrapped(note, "    ", first="  ")), ""]


def _grid(table: Table, colour: bool) -> list[str]:
    """Headings, a rule and the rows."""
    marked = _marked_columns(table)
    widths = _widths(table, marked)
    headings = [Text(heading + "  " if position in marked else heading) for position, heading in enumerate(table.headings)]
    lines = [_line(headings, widths, marked, colour=False), "  " + "─" * (sum(widths) - GAP)]
    for row in table.rows:
        if len(row[0].text) + GAP > widths[0]:
            lines.extend(_tinted(line, row[0].tone, colour) for line in wrapped(row[0].text, "  "))
            row = (Text("", row[0].tone), *row[1:])
        lines.append(_line(row, widths, marked, colour))
    return lines


def _fitting_parts(table: Table) -> list[Table]:
    """The table, or, where it is too wide, its columns in tables beneath each other, each with the labels.

    They part where no word stands for figures on both sides; one that stands in every column is said again.
    """
    columns = len(table.headings)
    inside = {end for row in table.rows for position, text in positions(row)
              for end in range(position + 1, position + text.span)}
    for end in sorted(range(2, columns + 1), key=lambda end: (end in inside, -end)):
        part = _columns(table, 1, end)
        if _line_width(part) <= TERMINAL_WIDTH or end == 2:
            rest = _fitting_parts(_columns(table, end, columns)) if end < columns else []
            return [part, *rest]
    return [table]


def _line_width(table: Table) -> int:
    marked = _marked_columns(table)
    last_gap = 1 if len(table.headings) - 1 in marked else GAP
    return 2 + sum(_widths(table, marked)) - last_gap


def _columns(table: Table, begin: int, end: int) -> Table:
    """The labels and the columns from `begin` to before `end`."""
    def clipped(position: int, text: Text) -> Text:
        return replace(text, span=min(end, position + text.span) - max(begin, position))

    rows = tuple((row[0], *(clipped(position, text) for position, text in positions(row)
                            if position and position < end and position + text.span > begin)) for row in table.rows)
    return replace(table, headings=(table.headings[0], *table.headings[begin:end]), rows=rows)


def _marked_columns(table: Table) -> set[int]:
    """Columns whose figures end in a space and a mark: their headings stand over the digits."""
    return {position for row in table.rows for position, text in positions(row)
            if position and text.span == 1 and text.text[-2:-1] == " "}


def _widths(table: Table, marked: set[int]) -> list[int]:
    """Column widths with the gap behind, which a mark's own space makes 1. Labels give way to the terminal's width."""
    gaps = [1 if position in marked else GAP for position in range(len(table.headings))]
    widths = [len(heading) + (2 if position in marked else 0) + gaps[position]
              for position, heading in enumerate(table.headings)]
    for row in table.rows:
        for position, text in positions(row):
            needed = len(text.text) + gaps[position + text.span - 1]
            widths[position] += max(0, needed - sum(widths[position:position + text.span]))
    widths[0] = min(widths[0], max(NARROWEST_LABEL, TERMINAL_WIDTH - 2 + 1 - sum(widths[1:])))
    return widths


def _line(row: Sequence[Text], widths: Sequence[int], marked: set[int], colour: bool) -> str:
    parts = []
    for position, text in positions(row):
        width = sum(widths[position:position + text.span])
        gap = 1 if position + text.span - 1 in marked else GAP
        aligned = text.text.ljust(width - gap) if position == 0 or text.span > 1 else text.text.rjust(width - gap)
        parts.append(_tinted(aligned, text.tone, colour) + " " * gap)
    return ("  " + "".join(parts)).rstrip()


def _tinted(text: str, tone: str, colour: bool) -> str:
    code = _COLOURS.get(tone)
    return f"\033[{code}m{text}\033[0m" if colour and code and text.strip() else text
