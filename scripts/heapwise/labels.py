"""Words and numbers as people read them: quantities with units, cells, statuses."""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from typing import Any, Mapping, Sequence

LONGEST_SLUG = 80
# Longer words for sentences, short ones (10 columns at most) for tables.
STATUS_WORDS = {
    "ok": ("ok", "ok"),
    "crashed": ("crashed", "crashed"),
    "timed_out": ("timed out", "timed out"),
    "wrong_allocator": ("wrong allocator", "wrong lib"),
    "library_missing": ("library missing", "no library"),
    "not_preloadable": ("not preloadable", "no preload"),
    "setting_contradicted": ("setting contradicted", "setting no"),
    "integrity_failed": ("integrity check failed", "corrupted"),
    "count_mismatch": ("call count wrong", "miscounted"),
    "out_of_memory": ("out of memory", "no memory"),
    "interrupted": ("interrupted", "cut off"),
    "setup_failed": ("setup failed", "no setup"),
    "client_failed": ("client failed", "client err"),
    "too_much_output": ("printed too much", "flooded"),
    "partner_failed": ("the other process of the pair failed", "no partner"),
}
# In the place of figures of runs that ended ok and made something else than the baseline's; by kind of finding.
OTHER_WORK_WORDS = {"exit_code_differs": "other exit", "file_differs": "other file", "state_differs": "other state",
                    "output_differs": "other output"}
APPLICATIONS = "apps/"  # what the workloads that are whole programs begin with
_BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_TIME_UNITS = ((1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s"))


def significant(value: float, digits: int = 3) -> str:
    """`value` with three significant digits and no exponent: 0.0312, 1.50, 24.1, 1234."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")  # 0.9996 has the decimals of 1
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    text = f"{value:.{min(decimals, 6)}f}"
    return "0" if float(text) == 0 else text


def duration(value_ns: float) -> str:
    size = abs(value_ns)
    divisor, unit = next(((d, u) for d, u in reversed(_TIME_UNITS) if size >= d), _TIME_UNITS[0])
    return f"{significant(value_ns / divisor)} {unit}"


def memory(value_bytes: float) -> str:
    size, index = float(value_bytes), 0
    while abs(size) >= 1023.5 and index < len(_BINARY_UNITS) - 1:
        size, index = size / 1024, index + 1
    return f"{size:.0f} B" if index == 0 else f"{significant(size)} {_BINARY_UNITS[index]}"


def count(value: float) -> str:
    """A count or a mean of counts an operation; past the third decimal only that it is not 0."""
    if 0 < abs(value) < 0.0005:
        return "<0.001" if value > 0 else ">-0.001"
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    for divisor, suffix in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= divisor:
            scale = 1e3 if suffix == "k" else divisor
            return f"{significant(value / scale)}{suffix}"
    return significant(value, 3 if abs(value) >= 0.1 else 2)


def rate(value: float) -> str:
    """Operations a second: `690k/s`."""
    divisor, suffix = next(((d, s) for d, s in ((1e9, "G"), (1e6, "M"), (1e3, "k")) if value >= 0.9995 * d), (1.0, ""))
    return f"{significant(value / divisor)}{suffix}/s"


def quantity(value: float, unit: str) -> str:
    """An absolute value; `unit` as metrics.py has it."""
    if unit == "ns":
        return duration(value)
    if unit == "bytes":
        return memory(value)
    return count(value)


def signed_quantity(value: float, unit: str) -> str:
    return ("+" if value > 0 else "") + (quantity(value, unit) if value else "0")


def ratio(value: float) -> str:
    """`1.03×`; 100 and more without decimals, past 10,000 with k, M, G or T."""
    for divisor, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= max(0.9995 * divisor, 9999.5):
            return f"{significant(value / divisor)}{suffix}×"
    if value < 0.01:
        return f"{value:.4f}×" if value >= 0.0001 else "<0.0001×"
    return f"{value:.0f}×" if value >= 99.95 else f"{value:.1f}×" if value >= 9.995 else f"{value:.2f}×"


def change(value: float) -> str:
    """A ratio near 1 as a change: 1.048 → `+4.8 %`; under 1 % with two decimals."""
    percent = 100 * (value - 1)
    if percent == 0:
        return "0 %"
    return f"{percent:+.2f} %" if abs(percent) < 0.995 else f"{percent:+.1f} %"


def memory_limit(limit_bytes: int) -> str:
    """`under a memory limit of 256M`."""
    return f"under a memory limit of {scaled(limit_bytes)}"


def scaled(value: Any) -> str:
    """A parameter in the grammar of specs: 1048576 → `1M`; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int):
        return str(value)
    for shift, suffix in ((30, "G"), (20, "M"), (10, "K")):
        if value >= 1 << shift and value % (1 << shift) == 0:
            return f"{value >> shift}{suffix}"
    return str(value)


def parse_scaled(text: str) -> int | None:
    """Bytes of `128K`, `32M`, `1G` or plain digits; None for anything else."""
    shift = {"K": 10, "M": 20, "G": 30}.get(text[-1:].upper(), 0)
    digits = text[:-1] if shift else text
    return int(digits) << shift if digits.isdigit() else None


def parse_spec(spec: str) -> tuple[str, dict[str, str]]:
    """Name and settings of an allocator spec; a path is left out."""
    name, _, settings = spec.partition(":")
    pairs = (item.partition("=") for item in settings.split(",") if item)
    return name.partition("=")[0], {key: value for key, _, value in pairs}


def blocks(number: int) -> str:
    return "1 block" if number == 1 else f"{number} blocks"


def threads(number: int) -> str:
    return "1 thread" if number == 1 else f"{number} threads"


def cell(workload: str, parameters: Mapping[str, Any], threads_count: int, title: str = "") -> str:
    """The cell's `title` as a spec, `large_churn:size=1M,window=1`, or where a plan has none every parameter;
    a command as it was typed, on one line; an application by its name."""
    if workload == "command":
        return " ".join(str(parameters.get("command", "command")).split())
    if program_name(workload):
        return program_name(workload)
    if title:
        return title if threads_count == 1 else f"{title}, {threads(threads_count)}"
    words = [workload] + [f"{key}={scaled(value)}" for key, value in sorted(parameters.items())]
    return f"{' '.join(words)}, {threads(threads_count)}"


def program_name(workload: str) -> str:
    """`redis` of the workload `apps/redis`; nothing for other workloads."""
    return workload.removeprefix(APPLICATIONS) if workload.startswith(APPLICATIONS) else ""


def status_words(status: str, detail: str, signal: int | None = None) -> str:
    """`crashed (signal 11)`: the status in words, with what is known of it."""
    word = STATUS_WORDS.get(status, (status, status))[0]
    if status == "crashed" and signal:
        return f"{word} (signal {signal})"
    return f"{word}: {detail}" if detail and status != "ok" else word


def short_status(status: str) -> str:
    return STATUS_WORDS.get(status, (status, status[:10]))[1]


def status_text(words: Sequence[str], runs_count: int) -> str | None:
    """All that went wrong in a row of runs, most frequent first; None when nothing did."""
    if not words:
        return None
    parts = []
    for text, number in Counter(words).most_common():
        parts.append(text if number == runs_count else f"{number} of {runs_count} {text}")
    return "; ".join(parts)


def joined(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def slug(text: str) -> str:
    """A file's name from a cell's; long ones are cut and stay distinct."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return plain if len(plain) <= LONGEST_SLUG else f"{plain[:LONGEST_SLUG - 9]}-{zlib.crc32(text.encode()):08x}"
