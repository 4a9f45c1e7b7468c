"""Which groups of a summary are passes over the same cell.

The passes over a cell differ in their number of operations (a check is slow, so it does fewer):
`operations` is the length of a measurement, not what is measured. It names a cell only where two
groups of one pass would otherwise be the same.
"""

from __future__ import annotations

import json
from typing import Any, Mapping, Sequence

Node = Mapping[str, Any]
LENGTH_PARAMETER = "operations"


def cell_key(node: Node) -> str:
    """Equal for the passes over one cell."""
    parameters = {key: value for key, value in node["parameters"].items() if key != LENGTH_PARAMETER}
    return json.dumps([node["workload"], parameters, node["threads"]], sort_keys=True)


def group_key(node: Node) -> str:
    """Equal for a group and the comparisons made in it."""
    return json.dumps([node[name] for name in ("workload", "parameters", "threads", "pass", "purpose", "baseline")],
                      sort_keys=True)


def join_passes(groups: Sequence[Node], purpose: str) -> list[list[Node]]:
    """The groups of one purpose, those of one cell together, in the order of the plan."""
    cells: list[list[Node]] = []
    for group in groups:
        if group["purpose"] != purpose:
            continue
        home = next((cell for cell in cells if cell_key(cell[0]) == cell_key(group)
                     and all(other["pass"] != group["pass"] for other in cell)), None)
        if home is None:
            cells.append([group])
        else:
            home.append(group)
    return cells


def common_parameters(groups: Sequence[Node]) -> dict[str, Any]:
    """The parameters on which all passes over a cell agree."""
    first = groups[0]["parameters"]
    return {key: value for key, value in first.items()
            if all(group["parameters"].get(key) == value for group in groups)}
