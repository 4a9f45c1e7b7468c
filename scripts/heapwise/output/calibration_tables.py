"""The tables of a calibration, as data, from its document alone: false alarms, and what was found."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from .. import labels
from ..records.metrics import label_of
from .tables import Table, Text

Node = Mapping[str, Any]
PASS = "lockstep"


def calibration_tables(document: Node) -> list[Table]:
    """False alarms first, then what was injected and found."""
    tables = [_alarms_table(document["aa"])] if "aa" in document else []
    rows = [*({**row, "metric": "wall_per_operation_ns"} for row in document.get("time", {}).get("rows", ())),
            *document.get("memory", {}).get("rows", ())]
    return [*tables, _found_table(rows)] if rows else tables


def _alarms_table(part: Node) -> Table:
    headings = ("one library under two names", "comparisons", "pairs, time each", "SD of the effect", "largest", "interval ±",
                "time p < .05", "faults p < .05", "RSS p < .05")
    rows = [(Text(_cell(row)), Text(str(row["comparisons_count"])), Text(_effort(row)), Text(_percent(row["effect_sd"])),
             Text(_percent(row["effect_largest"])), Text(_percent(row["half_width"])),
             *(Text(_share(row[name], row["comparisons_count"]))
               for name in ("alarms_count", "faults_alarms_count", "memory_alarms_count"))) for row in part["rows"]]
    total = part["total"]
    rows.append((Text("all"), Text(str(total["comparisons_count"])), Text("·"), Text(_percent(total["effect_sd"])),
                 Text(_percent(total["effect_largest"])), Text("·"), Text(_share(total["alarms_count"], total["comparisons_count"])),
                 Text("·"), Text("·")))
    return Table("False alarms", "what the comparison reads where nothing differs", headings, tuple(rows), tuple(_notes(part)))


def _notes(part: Node) -> list[str]:
    total, gates = part["total"], part["gates"]
    short = total["short"]
    return [
        f"time p < .05: 95 % interval of the share {_percent(total['alarms_share_low'])} to {_percent(total['alarms_share_high'])}; "
        f"the same pairs cut into comparisons of 8: {_share(short['alarms_count'], short['comparisons_count'])} of "
        f"{short['comparisons_count']}, {_percent(short['alarms_share_low'])} to {_percent(short['alarms_share_high'])}",
        f"gates of {gates['cells_count']} cells drawn from these comparisons: {gates['alarms_count']} of {gates['gates_count']} "
        f"raise an alarm (below {_percent(gates['alarms_share_high'])} with 97.5 % confidence); the screen flags "
        f"{labels.significant(gates['flagged_per_gate'], 2)} figures a gate",
    ]


def _found_table(rows: Sequence[Node]) -> Table:
    headings = ("made worse by a known amount", "metric", "injected", "read: median (5 % to 95 %)", "comparisons",
                "pairs, time each", "called worse", "found by a gate")
    return Table("Detection", "what the comparison reads where the candidate has the injector's dials turned up", headings, tuple(
        (Text(_cell(row)), Text(label_of(row["metric"], PASS)), Text(f"+{_percent(row['injected_share'])}"),
         Text(f"{_signed(row['effect_median'])} ({_signed(row['effect_low'])} to {_signed(row['effect_high'])})"),
         Text(str(row["comparisons_count"])), Text(_effort(row)), Text(_share(row["worse_count"], row["comparisons_count"])),
         Text(_share(row["found_count"], row["comparisons_count"]))) for row in rows),
        ("found by a gate: flagged by this comparison and confirmed by two others of the same cell; its floors for faults and "
         "memory are half of what a comparison calls worse",))


def _cell(row: Node) -> str:
    return f"{row['title']} under {row['allocator']}"


def _effort(row: Node) -> str:
    return f"{row['pairs_count']}, {row['comparison_seconds']:.1f} s"


def _percent(share: float) -> str:
    return f"{labels.significant(100 * share, 2)} %"


def _signed(share: float) -> str:
    return f"{100 * share:+.2f} %"


def _share(number: int, total: int) -> str:
    return f"{number} ({100 * number / total:.1f} %)" if total else "·"
