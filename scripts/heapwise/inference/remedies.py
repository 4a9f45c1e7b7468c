"""What a folder would need to hold for a truth to be checked, in words and as the line that measures it."""

from __future__ import annotations

import shlex
from typing import Any, Mapping

from ..labels import joined, scaled
from .truths import CellRatio, Cells, Check, EveryRun, OrderChanges, Ratio, SameLibrary, Truth


def wanted(check: Check) -> str:
    """What the runs would be of."""
    if isinstance(check, EveryRun):
        return "the pass `checked`" if check.rule == "checked" else "a workload that ended ok"
    if isinstance(check, SameLibrary):
        return "one library under two names"
    if isinstance(check, OrderChanges):
        return f"two allocators in two cells of {check.workload}"
    if isinstance(check, CellRatio):
        return (f"{check.allocator} in two cells of {check.workload}, one parameter {check.upper} in the one and "
                f"{check.lower} in the other")
    names = joined(_allocators(check))
    if check.cells is None:
        return f"the {names} allocator, timed call by call"
    return f"{names} on {_spec(check.cells)}{_least(check.cells)}"


def remedy(truth: Truth, manifest: Mapping[str, Any]) -> str:
    """The line that makes a folder in which the truth can be checked."""
    check, profile = truth.check, ["--profile", truth.profile] if truth.profile else []
    if isinstance(check, EveryRun):
        words = ["--profile", "smoke"]
    elif isinstance(check, SameLibrary):
        words = ["--workloads", "small_churn", "--allocators", f"glibc again={_glibc_library(manifest)}"]
    elif isinstance(check, OrderChanges):
        words = ["--workloads", " ".join(check.examples)]
    elif isinstance(check, CellRatio):
        words = ["--workloads", check.workload, "--allocators", check.allocator]
    elif check.cells is None:  # the null allocator's, which come with every cell
        words = ["--workloads", "small_churn:live=1K", "--allocators", "glibc"]
    else:
        words = ["--workloads", _spec(check.cells), "--allocators", " ".join(_allocators(check))]
    return shlex.join(["heapwise", "bench", *profile, *words])


def _allocators(check: Any) -> list[str]:
    return [check.against, check.allocator] if isinstance(check, Ratio) else [check.allocator]


def _glibc_library(manifest: Mapping[str, Any]) -> str:
    found = (one.get("library_path") for one in manifest["allocators"] if one["name"] == "glibc")
    return next(filter(None, found), "/path/to/libc.so.6")


def _spec(cells: Cells) -> str:
    """`large_churn:size=1M,window=1`; a least value stands for itself."""
    settings = [f"{key}={scaled(value)}" for key, value in {**cells.parameters, **cells.at_least}.items()]
    return ":".join([cells.workload, *([",".join(settings)] if settings else [])])


def _least(cells: Cells) -> str:
    parts = [f"{key} at least {value:,}" for key, value in cells.at_least.items()]
    parts += [f"{cells.threads} threads or more"] if cells.threads > 1 else []
    return f" ({', '.join(parts)})" if parts else ""
