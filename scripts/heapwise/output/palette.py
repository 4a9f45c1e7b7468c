"""One colour, marker and line for each allocator, the same in every picture, safe for colour-blind eyes.

The hues are Okabe and Ito's; no two allocators differ by hue alone. A spec with settings keeps its
allocator's hue and marker, hollow, with another line. Names the suite does not know (mine=./x.so)
get a stable style of their own from their text.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from ..labels import parse_spec


@dataclass(frozen=True)
class Style:
    label: str
    colour: str
    marker: str
    line: str
    filled: bool = True

    @property
    def face(self) -> str:
        return self.colour if self.filled else "white"


_KNOWN = {
    "glibc": ("#000000", "o", "-"),
    "refmalloc": ("#D55E00", "D", "-"),
    "jemalloc": ("#0072B2", "s", "-"),
    "tcmalloc": ("#C98A00", "^", "-"),
    "tcmalloc_full": ("#C98A00", "v", "--"),
    "mimalloc": ("#009E73", "P", "-"),
    "tbbmalloc": ("#56B4E9", "X", "-"),
    "scudo": ("#CC79A7", "p", "-"),
    "null": ("#999999", ".", ":"),
    "as_linked": ("#777777", "h", "-."),
}
_OTHER_COLOURS = ("#882255", "#117733", "#332288", "#AA4499", "#661100", "#44AA99", "#6699CC")
_OTHER_MARKERS = ("<", ">", "*", "d", "8", "H")
_LINES_OF_SETTINGS = ("--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (7, 2)))


def style_of(spec: str) -> Style:
    """The style of an allocator spec; it depends on the spec's text alone."""
    name, settings = parse_spec(spec)
    digest = zlib.crc32(name.encode())
    colour, marker, line = _KNOWN.get(name) or (
        _OTHER_COLOURS[digest % len(_OTHER_COLOURS)], _OTHER_MARKERS[digest // 64 % len(_OTHER_MARKERS)], "--")
    if settings:
        line = _LINES_OF_SETTINGS[zlib.crc32(spec.encode()) % len(_LINES_OF_SETTINGS)]
    return Style(_label(spec), colour, marker, line, filled=not settings)


def _label(spec: str) -> str:
    """The spec without its path, its settings on lines of their own."""
    name, settings = parse_spec(spec)
    return "\n".join([name, *(f"{key}={value}" for key, value in settings.items())])
