"""The tables of whole programs, as data: one for each, and one over all of them.

A program's table says first which share of its memory malloc owns, because that bounds what another
malloc can change.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping, Sequence

from ..labels import joined
from ..records.metrics import USER_PREFIX, tree_says_more
from .tables import HIGHER_SIGN, CellView, Column, Table, Text, cell_table, cell_views, matrix_table, pressure_columns

Node = Mapping[str, Any]
TIME = Column("wall_ns", "command", "wall time", interval=True)
RSS = Column("rss_peak_bytes", "command", "peak RSS")
TREE = Column("tree_peak_bytes", "command", "tree memory")
MINOR_FAULTS = Column("minor_faults_count", "command", "minor faults")
TIMES = (TIME, Column("cpu_ns", "command", "CPU time", interval=True))
MAJOR_FAULTS = Column("major_faults_count", "command", "major faults")
COUNTS = (Column("vsz_peak_bytes", "command", "VSZ"), MINOR_FAULTS, MAJOR_FAULTS)
DETAILS = (Column("user_cpu_ns", "command", "user CPU"), Column("system_cpu_ns", "command", "system CPU"),
           Column("voluntary_switches_count", "command", "waits"), Column("ready_ns", "command", "ready after"))
SMALL_SHARE = 0.20
SEVERAL = 2
OVERVIEW_WORDS = "memory: RSS of one process, sampled PSS of several together; malloc's share: of that, at its peak"


def program_columns(view: CellView, full: bool) -> tuple[Column, ...]:
    """Tree memory only where it is another than the largest process's; `full`: with what only summary.md shows."""
    users = tuple(Column(f"{USER_PREFIX}{metric['name']}", "command",
                         metric["name"] + (f" {HIGHER_SIGN}" if metric["better"] == "higher" else ""), interval=True)
                  for metric in view.user_metrics)
    memory = (RSS, TREE) if has_tree(view) else (RSS,)
    columns = (*TIMES, *users, *memory, *COUNTS, *pressure_columns(view, "command"), *(DETAILS if full else ()))
    return tuple(replace(column, interval=True) for column in columns) if full else columns


def program_table(view: CellView, full: bool = False) -> Table | None:
    """The table of one program; None when it was not planned to be measured."""
    table = cell_table(view, program_columns(view, full))
    if table is None:
        return None
    served = view.program is not None and view.program["served"] and view.program["timing"] == "serve"
    notes = [
        *share_notes(view),
        *(["timed: the client's work; CPU time and faults are the server's meanwhile"] if served else []),
        *(["tree memory: all processes together, sampled; peak RSS: the largest of them"] if has_tree(view) else []),
    ]
    return replace(table, title=heading(view), notes=(*notes, *table.notes))


def heading(view: CellView) -> str:
    """The program's name and what it stands for, or the command."""
    models = view.program["models"] if view.program else ""
    return f"{view.title}: {models}" if models else view.title


def has_tree(view: CellView) -> bool:
    """Whether more than one process had memory worth naming."""
    return tree_says_more(view.medians("command", TREE.metric), view.medians("command", RSS.metric))


def peak_memory(view: CellView) -> Column:
    """Of all processes, where there are several."""
    return TREE if has_tree(view) else RSS


def share_notes(view: CellView) -> list[str]:
    """One sentence on malloc's share; none where no run measured it."""
    if view.share is None or not view.share["blocks_count"]:
        return []
    share, live = shares(view)
    if share is None:
        reason = view.share["allocators"][0]["status_text"] or "the run was too short for a look, or its malloc is not glibc's"
        return [f"malloc's share unknown: {reason}"]
    # Objects that were never touched are alive, but no memory.
    alive = f" (live objects {_percent(live)})" if live < share else ""
    text = f"malloc owns {_percent(share)} of the memory at its peak{alive}"
    return [f"{text}: another malloc can change little of it" if share < SMALL_SHARE else text]


def shares(view: CellView) -> tuple[float | None, float | None]:
    """Of the memory at its peak: what malloc owned, and what of that was alive. None where it was not measured."""
    medians = view.share["allocators"][0]["medians"] if view.share is not None else {}
    tree = medians.get("tree_bytes")
    return (medians["malloc_bytes"] / tree, medians["live_bytes"] / tree) if tree else (None, None)


def overview_tables(views: Sequence[CellView]) -> list[Table]:
    """Programs × allocators: time, then peak memory, then minor faults; empty for a single program."""
    measured = [view for view in views if "command" in view.groups]
    if len(measured) < SEVERAL:
        return []
    facts = {"malloc's share": [_percent(shares(view)[0]) for view in measured]}
    tables = []
    for title, column_of in (("wall time", lambda view: replace(TIME, interval=False)), ("peak memory", peak_memory),
                             ("minor faults", lambda view: MINOR_FAULTS)):
        table = matrix_table([(view, column_of(view)) for view in measured], "program", Text("·"), facts)
        tables.append(replace(table, title=f"all programs: {title}", subtitle=OVERVIEW_WORDS))
    return tables


def finding_lines(summary: Node) -> list[tuple[str, str]]:
    """Whom each finding is about (the allocator, and where there are several the programs), and its text; each text once."""
    programs = {view.title for view in cell_views(summary, "command")}
    merged: dict[tuple[str, str], list[str]] = {}
    for finding in summary["findings"]:
        merged.setdefault((finding["allocator"], finding["text"]), []).append(finding.get("title", ""))
    if len(programs) < SEVERAL:
        return list(merged)
    return [(f"{'all programs' if programs == set(about) else joined(about)}, {allocator}", text)
            for (allocator, text), about in merged.items()]


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.0f} %"
