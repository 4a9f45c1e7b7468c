"""The table of what long runs come to, as data, from a summary alone."""

from __future__ import annotations

from typing import Any, Mapping

from .. import labels
from ..inference.endurance import BEHIND, FEWEST_RUNS, QUARTERS, TAIL_BAND
from ..records.metrics import MEMORY_BAND
from .tables import Table, Text, title_of

Node = Mapping[str, Any]
ABSENT = Text("·")
QUARTER_HEADINGS = tuple(f"{number}/{QUARTERS}" for number in range(1, QUARTERS + 1))
HEADINGS = ("", f"RSS/live {QUARTER_HEADINGS[0]}", *QUARTER_HEADINGS[1:], "peak", "rises", "p99.9 1/2", "2/2", "ratio", "rises")
SUBTITLE = (f"growth of RSS over live bytes, in each quarter of the run and at its peak; rises: by more than {100 * MEMORY_BAND:.0f} % "
            "from the third quarter to the last, in every run. p99.9 of the responses: the median slice of each half, and of the "
            f"ratios of slices half a run apart; rises: by more than {100 * TAIL_BAND:.0f} %, in every run")
NOTES = (
    "`no` is not `never`: what rises more slowly, or begins later, is not seen; where the load comes and goes otherwise than a "
    "whole number of times in a quarter, what rises may be the load",
    "the machine is in every tail: one that rises says something of its allocator only where others' do not rise too",
)
ONE_RUN_NOTE = f"1 run: fewer than {FEWEST_RUNS}, so it is not said whether it rises"
BEHIND_NOTE = (f"behind: in some slice half of the requests took {BEHIND:.0f} times as long as in the best one, so the service had "
               "more to do than it could and the tail is its queue's; a lower `rate` shows the allocator's")
QUIET_NOTE = "of cells without requests only what rises is shown; the others are in summary.md"


def endurance_table(summary: Node, everything: bool = True) -> Table | None:
    """A row for each cell and allocator with a course; without `everything`, of cells that have no tail only what rises.
    None where there is no row."""
    views = summary.get("endurance", ())
    with_tail = {title_of(view) for view in views if "tail" in view}
    shown = [view for view in views if everything or title_of(view) in with_tail or _rises(view)]
    if not shown:
        return None
    rows = tuple(_row(view) for view in shown)
    return Table("what long runs come to", SUBTITLE, HEADINGS, rows, tuple(_notes(shown, len(shown) < len(views))))


def _rises(view: Node) -> bool:
    return any(view[part]["still_rising"] is True for part in ("memory", "tail") if part in view)


def _notes(views: list[Node], quiet: bool) -> list[str]:
    parts = [view[part] for view in views for part in ("memory", "tail") if part in view]
    notes = list(NOTES if any("tail" in view for view in views) else NOTES[:1])
    if any(part["runs_count"] < FEWEST_RUNS for part in parts):
        notes.append(ONE_RUN_NOTE)
    if any(part.get("behind_runs_count") for part in parts):
        notes.append(BEHIND_NOTE)
    return notes + [QUIET_NOTE] if quiet else notes


def _row(view: Node) -> tuple[Text, ...]:
    return (Text(f"{title_of(view)}, {view['allocator']}"), *_memory(view.get("memory")), *_tail(view.get("tail")))


def _memory(memory: Node | None) -> tuple[Text, ...]:
    if memory is None:
        return (ABSENT,) * (QUARTERS + 2)
    figures = [*memory["rss_per_live_quarters"], memory["rss_per_live_peak"]]
    return (*(Text(labels.ratio(value)[:-1]) for value in figures), _verdict(memory))


def _tail(tail: Node | None) -> tuple[Text, ...]:
    if tail is None:
        return (ABSENT,) * 4
    return (Text(labels.duration(tail["first_half_p999_ns"])), Text(labels.duration(tail["second_half_p999_ns"])),
            Text(labels.ratio(tail["ratio"])), _verdict(tail))


def _verdict(part: Node) -> Text:
    """In words; where nothing is said, why."""
    runs = part["runs_count"]
    if part.get("behind_runs_count"):
        return Text("behind", "failed")
    if part["still_rising"] is not None:
        return Text("yes", "worse") if part["still_rising"] else Text("no")
    return Text("1 run") if runs < FEWEST_RUNS else Text(f"{part['rising_runs_count']} of {runs}")
