"""What must be alike on two machines before their figures are compared, for each class of metric.

System calls follow from the program and its libraries; faults and memory also from how the kernel gives pages; time
from everything; a memory limit that was set for the runs counts as the kernel's way to give pages. A field that only one
folder knows counts as unlike, one that neither knows as alike. An allocator's
own library may differ: it is usually what the comparison is about, so it is said and not refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ..labels import joined

Environment = Mapping[str, Any]
METRIC_CLASSES = {"exact": ("system calls",), "near_exact": ("faults", "memory"), "noisy": ("time",)}
_DIGITS_OF_BUILD_ID = 12

_MACHINE = "on one machine"
_KERNEL = "under one kernel with the same settings"
_LIMIT = "under one memory limit"
_BUILD = "with one build of heapwise on the same libraries"
_UNRECORDED = "with this heapwise"
_COVERED = {_MACHINE: _KERNEL, _BUILD: _UNRECORDED}  # who does the first does the second


@dataclass(frozen=True)
class _Field:
    """Where the field is unlike, `first_refused` and the classes that vary more are not compared."""

    name: str
    first_refused: str
    remedy: str


_FIELDS = (
    _Field("libc", "exact", _BUILD), _Field("isa", "exact", _MACHINE), _Field("libraries", "exact", _BUILD),
    _Field("page_bytes", "near_exact", _MACHINE), _Field("thp", "near_exact", _KERNEL),
    _Field("overcommit", "near_exact", _KERNEL), _Field("swap_bytes", "near_exact", _KERNEL),
    _Field("cpus_count", "near_exact", _MACHINE), _Field("memory_limit_bytes", "near_exact", _LIMIT),
    _Field("hostname_hash", "noisy", _MACHINE), _Field("cpu_model", "noisy", _MACHINE),
    _Field("memory_bytes", "noisy", _MACHINE), _Field("kernel", "noisy", _KERNEL), _Field("governor", "noisy", _KERNEL),
    _Field("virtualized", "noisy", _MACHINE), _Field("compiler", "noisy", _BUILD),
    _Field("compiler_flags", "noisy", _BUILD), _Field("build_type", "noisy", _BUILD),
)


@dataclass(frozen=True)
class Refusal:
    """A class of metric that is not compared, because of one field; a value is None where it is not recorded."""

    metric_class: str
    field: str
    baseline: Any
    candidate: Any


def conditions_of(manifest: Mapping[str, Any]) -> Environment:
    """What a folder was measured in: its environment, and the memory limit of its runs, `none` where there was none."""
    return {**manifest["environment"], "memory_limit_bytes": manifest.get("memory_limit_bytes") or "none"}


def refusals(baseline: Environment, candidate: Environment) -> tuple[Refusal, ...]:
    """Every class of metric with every field that forbids to compare it; empty for like environments."""
    classes = list(METRIC_CLASSES)
    return tuple(Refusal(metric_class, name, ours, theirs)
                 for field in _FIELDS for name, ours, theirs in _unlike_values(field.name, baseline, candidate)
                 for metric_class in classes[classes.index(field.first_refused):])


def _unlike_values(name: str, baseline: Environment, candidate: Environment) -> list[tuple[str, Any, Any]]:
    """The field's name and both values where they are unlike; of libraries each that is."""
    ours, theirs = baseline.get(name), candidate.get(name)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [(f"{name}.{key}", ours.get(key), theirs.get(key)) for key in sorted({*ours, *theirs})
                if ours.get(key) != theirs.get(key)]
    return [] if _judged_by(name, ours) == _judged_by(name, theirs) else [(name, ours, theirs)]


def _judged_by(name: str, value: Any) -> Any:
    """What of a value matters: whether there is swap, not how much; a number also where it was written as text."""
    if value is None:
        return None
    return value > 0 if name == "swap_bytes" else str(value)


def refusal_lines(refused: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each set of classes that is refused for the same fields; `refused` as a document holds it."""
    classes_of: dict[str, list[str]] = {}
    values = {one["field"]: (one["baseline"], one["candidate"]) for one in refused}
    for one in refused:
        classes_of.setdefault(one["field"], []).extend(METRIC_CLASSES[one["metric_class"]])
    lines = []
    for classes in dict.fromkeys(map(tuple, classes_of.values())):
        fields = [name for name, refusing in classes_of.items() if tuple(refusing) == classes]
        words = "; ".join(_values_words(name, *values[name]) for name in fields)
        verb = "is" if len(classes) == 1 else "are"
        lines.append(f"{joined(classes)} {verb} not compared: {words}; {_remedy(fields, values)}")
    return lines


def _values_words(name: str, baseline: Any, candidate: Any) -> str:
    if baseline is None or candidate is None:
        return f"{name} is not recorded in {'A' if baseline is None else 'B'}"
    ours, theirs = (f"'{value}'" if isinstance(value, str) else json.dumps(value) for value in (baseline, candidate))
    return f"{name} is {ours} in A and {theirs} in B"


def _remedy(fields: Sequence[str], values: Mapping[str, tuple[Any, Any]]) -> str:
    remedy_of = {field.name: field.remedy for field in _FIELDS}
    found = dict.fromkeys(_UNRECORDED if None in values[name] else remedy_of[name.partition(".")[0]] for name in fields)
    covered = {_COVERED.get(remedy) for remedy in found}
    return f"measure both {joined([remedy for remedy in found if remedy not in covered])}"


def same_library(baseline: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether two entries of manifests' `allocators` are one build, wherever it lies."""
    if baseline.get("build_id") or candidate.get("build_id"):
        return baseline.get("build_id") == candidate.get("build_id")
    return all(baseline.get(name) == candidate.get(name) for name in ("library_path", "version"))


def library_notes(baseline: Sequence[Mapping[str, Any]], candidate: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the two folders' `allocators` of the same spec say otherwise."""
    after = {one["spec"]: one for one in candidate}
    notes = []
    for before in baseline:
        now = after.get(before["spec"])
        if now is None or (same_library(before, now) and before.get("library_path") == now.get("library_path")):
            continue
        what = "lies elsewhere" if same_library(before, now) else "is another build"
        notes.append(f"{before['spec']} {what}: {_library_words(before)} -> {_library_words(now)}")
    return notes


def _library_words(allocator: Mapping[str, Any]) -> str:
    details = [f"version {allocator['version']}"] if allocator.get("version") else []
    if allocator.get("build_id"):
        details.append(f"build id {allocator['build_id'][:_DIGITS_OF_BUILD_ID]}")
    path = allocator.get("library_path") or "no library"
    return f"{path} ({', '.join(details)})" if details else path
