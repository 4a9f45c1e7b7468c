"""The table of where a cell's resident memory lies when the measured region has ended, as data."""

from __future__ import annotations

from typing import Any, Mapping

from .. import labels
from ..records.metrics import RESIDENT_PARTS
from .tables import CellView, Table, Text, absent_word, failure_notes

Node = Mapping[str, Any]
PASS = "fragmentation"
ABOVE_LIVE = tuple(RESIDENT_PARTS)[1:4]
TOGETHER = "external_or_unreturned_bytes"
HEADINGS = ("allocator", "live", *(RESIDENT_PARTS[part] for part in ABOVE_LIVE), "RSS at the end", "after free and release")


def fragmentation_table(view: CellView) -> Table | None:
    """Parts in per cent of the live bytes; None where the pass was not planned."""
    if PASS not in view.groups:
        return None
    rows = tuple(_row(view, allocator) for allocator in view.allocators)
    blocks = labels.blocks(view.groups[PASS]["blocks_count"])
    return Table(f"fragmentation of {view.title}", f"{blocks}; parts and RSS in per cent of the live bytes", HEADINGS, rows,
                 tuple(failure_notes(view)))


def _row(view: CellView, allocator: str) -> tuple[Text, ...]:
    is_baseline = allocator == view.baseline
    tone = "strong" if is_baseline else "plain"
    name = Text(f"{allocator} (baseline)" if is_baseline else allocator, tone)
    absent = absent_word(view, PASS, allocator)
    if absent is not None:
        return name, Text(absent, "failed", span=len(HEADINGS) - 1)
    medians = view.runs(PASS, allocator)["medians"]
    empty = medians.get("rss_empty_growth_bytes")
    return (name, Text(labels.memory(medians["live_bytes"]), tone), *_parts(medians, tone),
            Text(_share(medians, "rss_end_growth_bytes"), tone), Text("·" if empty is None else labels.memory(empty), tone))


def _parts(medians: Node, tone: str) -> list[Text]:
    internal, *outside = ABOVE_LIVE
    if TOGETHER in medians:  # nothing releases
        return [Text(_share(medians, internal), tone), Text(f"together {_share(medians, TOGETHER)}", tone, span=len(outside))]
    return [Text(_share(medians, part), tone) for part in ABOVE_LIVE]


def _share(medians: Node, name: str) -> str:
    value, live = medians[name], medians["live_bytes"]
    if live <= 0:
        return labels.memory(value)
    percent = 100 * value / live
    return f"{percent:.1f} %" if abs(percent) < 9.95 else f"{percent:.0f} %"
