"""docs/workloads.md: each workload as its file's header describes it, with its parameters, passes and profile rows."""

from __future__ import annotations

import re
import textwrap
from typing import Mapping, Sequence

from .. import labels
from ..records.catalogue import Catalogue, Parameter, ProfileRow, Workload
from ..records.headers import Header
from .render import markdown_table
from .tables import Table, Text

COLUMNS = 120
_CODE = re.compile(r"(`[^`]*`)")
_LINE_START_WITH_MEANING = re.compile(r"^(\s*\d*)([-+>#.)])(?=\s|$)")


def workload_pages(catalogue: Catalogue, headers: Mapping[str, Header]) -> list[str]:
    """Markdown: what there is, by family, then each workload."""
    lines = [line for family in catalogue.families for line in _wrapped(_links(family, catalogue.of_family(family)), "- ", "  ")]
    for family in catalogue.families:
        lines.extend(["", f"## {family.capitalize()}"])
        for workload in catalogue.of_family(family):
            rows = [row for row in catalogue.rows if row.workload == workload.name]
            lines.extend(_page(workload, headers[workload.name], rows))
    return lines


def _links(family: str, workloads: Sequence[Workload]) -> str:
    return f"{family}: {', '.join(f'[{one.name}](#{one.name})' for one in workloads)}"


def _page(workload: Workload, header: Header, rows: Sequence[ProfileRow]) -> list[str]:
    lines = ["", f"### {workload.name}"]
    for part, paragraphs in header.parts.items():
        first, *others = paragraphs
        lines.extend(["", *markdown_paragraph(first, f"**{part}:** ")])
        for paragraph in others:
            lines.extend(["", *markdown_paragraph(paragraph)])
    lines.extend(["", *markdown_table(_parameter_table(workload.parameters), left_columns=(0, 1, 4)), ""])
    for item in (f"passes: {', '.join(workload.passes)}", *_profile_items(rows)):
        lines.extend(_wrapped(item, "- ", "  "))
    return lines


def _parameter_table(parameters: Sequence[Parameter]) -> Table:
    rows = tuple((Text(f"`{one.key}`"), Text(one.unit), Text(_value(one, one.default)),
                  Text(_range(one)), Text(escaped(one.help))) for one in parameters)
    return Table("", "", ("parameter", "unit", "default", "range", "meaning"), rows)


def _range(parameter: Parameter) -> str:
    if parameter.choices:
        return ", ".join(parameter.choices)
    return f"{_value(parameter, parameter.minimum)} to {_value(parameter, parameter.maximum)}"


def _value(parameter: Parameter, value: int | str) -> str:
    if isinstance(value, str):
        return value
    return labels.scaled(value) if parameter.unit == "bytes" else f"{value:,}"


def _profile_items(rows: Sequence[ProfileRow]) -> list[str]:
    """Which profiles measure it, and how."""
    by_profile: dict[str, list[str]] = {}
    for row in rows:
        by_profile.setdefault(row.profile, []).append(f"`{row.spec}`")
    return [f"in profile {profile}: {', '.join(specs)}" for profile, specs in by_profile.items()] or \
        ["in no profile: it is measured where it is named"]


def markdown_paragraph(lines: Sequence[str], lead: str = "") -> list[str]:
    """A paragraph of a comment: a drawing as it is, a list item by item, anything else as one flow of words."""
    is_drawing = all(line.startswith("    ") for line in lines)
    if lead and (is_drawing or lines[0].startswith("- ")):
        return [lead.rstrip(), "", *markdown_paragraph(lines)]
    if is_drawing:
        return ["```", *textwrap.dedent("\n".join(lines)).split("\n"), "```"]
    flow, *items = _items(lines)
    result = [] if flow == "" else _wrapped(lead + escaped(flow))
    for item in items:
        result.extend(_wrapped(escaped(item), "- ", "  "))
    return result


def _items(lines: Sequence[str]) -> list[str]:
    """The flow before a list (often all there is), and each item of the list, on a line."""
    items = [""]
    for line in lines:
        if line.startswith("- "):
            items.append(line.removeprefix("- ").strip())
        else:
            items[-1] = f"{items[-1]} {line.strip()}".strip()
    return items


def escaped(text: str) -> str:
    """Plain words as Markdown that shows them so; what stands between backquotes stays."""
    pieces = _CODE.split(text)
    return "".join(piece if piece.startswith("`") else re.sub(r"([*<\\]|(?<!\w)_|_(?!\w))", r"\\\1", piece) for piece in pieces)


def _wrapped(text: str, first: str = "", indent: str = "") -> list[str]:
    """Lines of COLUMNS; a word that would begin a list or a heading at a line's start is kept from it."""
    lines = textwrap.wrap(text, COLUMNS, initial_indent=first, subsequent_indent=indent, break_long_words=False,
                          break_on_hyphens=False)
    return [lines[0], *(_LINE_START_WITH_MEANING.sub(r"\1\\\2", line, count=1) for line in lines[1:])]
