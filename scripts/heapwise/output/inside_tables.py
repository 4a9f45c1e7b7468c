"""The table of what allocators say of themselves beside what was seen of them, as data, from a summary alone."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from .. import labels
from .tables import Table, Text, title_of

Node = Mapping[str, Any]
CALLS = ("brk", "mmap", "munmap", "madvise", "mremap")
ABSENT = Text("·")
UNMARKED = "  "  # the room of a mark
SUBTITLE = ("outside: growth of RSS and VSZ by the kernel, system calls in the measured region by the tracer; inside: the same by "
            "the allocator's own statistics, of calls those that it counts (= the same, ≠ not); then what it did in 1000 operations")
MECHANISMS = {"refills_count": "refills", "flushes_count": "flushes", "remote_batches_count": "remote", "purges_count": "purges"}


def inside_table(summary: Node) -> Table | None:
    """A row for each cell and allocator; None where no allocator has statistics (of old folders: always)."""
    views = summary.get("inside", ())
    if not views:
        return None
    headings = ("", "RSS", "inside", "VSZ", "inside", "calls", "inside", *MECHANISMS.values())
    return Table("seen from outside and from inside", SUBTITLE, headings, tuple(_row(view) for view in views))


def _row(view: Node) -> tuple[Text, ...]:
    outside, inside, rates = view["outside"], view["inside"], view["mechanisms_per_1000_operations"]
    return (Text(f"{title_of(view)}, {view['allocator']}"),
            _figure(outside, "resident_bytes", _memory), _figure(inside, "resident_bytes", _memory),
            _figure(outside, "mapped_bytes", _memory), _figure(inside, "mapped_bytes", _memory),
            *_calls(outside, inside), *(_figure(rates, name, labels.count) for name in MECHANISMS))


def _figure(values: Node, name: str, words: Callable[[float], str]) -> Text:
    return Text(words(values[name])) if name in values else ABSENT


def _memory(value: float) -> str:
    return labels.memory(value) if value else "0"


def _calls(outside: Node, inside: Node) -> tuple[Text, Text]:
    """Together, and not the same as soon as one kind of call differs."""
    counted = [f"{call}_count" for call in CALLS if f"{call}_count" in inside and f"{call}_count" in outside]
    if not counted:
        return ABSENT, Text(ABSENT.text + UNMARKED)
    same = all(outside[name] == inside[name] for name in counted)
    seen, told = (labels.count(sum(values[name] for name in counted)) for values in (outside, inside))
    return Text(seen), Text(f"{told} =") if same else Text(f"{told} ≠", "failed")
