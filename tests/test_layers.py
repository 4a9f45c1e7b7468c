"""The layers: who may include whom. The table here is the rule; docs/decisions/0001 says why."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: folder -> folders it may include from (itself always)
ALLOWED: dict[str, set[str]] = {
    "bench/core": set(),
    "bench/probe": {"bench/core", "allocators"},
    "bench/heap": {"bench/core", "bench/probe"},
    "bench/launch": set(),
    "bench/preload": set(),
    "allocators/reference": set(),
    "allocators": {"bench/core", "bench/preload"},
    "workloads": {"bench/core", "bench/heap"},
    "bench/worker": {"bench/core", "bench/probe", "bench/heap", "bench/launch", "allocators", "workloads"},
    "bench/run": {"bench/core", "bench/launch", "allocators", "workloads"},
    "bench/program": {"bench/core", "bench/launch", "bench/preload", "bench/run", "allocators"},
    "bench/experiment": {"bench/core", "bench/launch"},
    "bench/claims": {"bench/core", "bench/launch", "bench/run", "allocators"},
    "bench/inspect": {"bench/core", "bench/run", "bench/program", "allocators"},
    "bench/cli": {"bench/core", "bench/run", "bench/program", "bench/claims", "bench/inspect", "allocators", "workloads"},
}

#: the only headers that cross to or from these folders
CONTRACTS = {
    "bench/launch": {"bench/launch/launch_report.h"},
    "bench/preload": {"bench/preload/malloc_provider.h", "bench/preload/malloc_ranges.h"},
}

#: the layers of refmalloc, lowest first: the files of one name include from themselves and from what stands before
REFMALLOC_LAYERS: tuple[str, ...] = (
    "geometry", "size_classes", "decay",  # measures
    "os", "lock", "message", "options", "metadata",  # the operating system, settings, memory for records
    "page_map", "run", "run_set", "run_heap",  # slices
    "slab", "large_objects", "faults", "remote_batch", "arena",  # objects
    "thread_cache", "thread_registry", "purger", "fork", "heap",  # threads, and the heap as a whole
    "refmalloc", "interface", "operators", "statistics", "introspection",  # what programs call
)

ALLOCATOR_NAMES = re.compile(r"\b(glibc|jemalloc|tcmalloc|mimalloc|tbbmalloc|scudo|refmalloc)\b", re.IGNORECASE)


def sources() -> list[Path]:
    return [
        path
        for folder in ("allocators", "bench", "workloads")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".h", ".cpp"}
    ]


def layer_of(path: str) -> str:
    return max((layer for layer in ALLOWED if path.startswith(layer + "/")), key=len)


def includes_of(path: Path) -> list[str]:
    return re.findall(r'^#include "([^"]+)"', path.read_text(), flags=re.MULTILINE)


def code_of(path: Path) -> str:
    """The text without comments, which may name whom they like."""
    return re.sub(r"//[^\n]*", "", path.read_text())


def test_every_source_belongs_to_a_layer() -> None:
    """Would catch: a new folder that nobody has thought about."""
    for path in sources():
        assert layer_of(str(path.relative_to(ROOT)))


def test_every_include_follows_an_allowed_edge() -> None:
    """Would catch: a probe that knows the scheduler, a worker that knows the command line."""
    wrong = []
    for path in sources():
        own = layer_of(str(path.relative_to(ROOT)))
        for include in includes_of(path):
            target = layer_of(include)
            foreign_detail = include not in CONTRACTS.get(target, {include}) and target != own
            if target != own and (target not in ALLOWED[own] or foreign_detail):
                wrong.append(f"{path.relative_to(ROOT)} includes {include}")
    assert not wrong, "\n".join(wrong)


def test_no_workload_heap_or_probe_names_an_allocator() -> None:
    """Would catch: a workload or probe that treats one allocator differently from the others."""
    wrong = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in sources()
        if layer_of(str(path.relative_to(ROOT))) in {"workloads", "bench/core", "bench/heap", "bench/probe", "bench/worker"}
        for match in [ALLOCATOR_NAMES.search(code_of(path))]
        if match
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_descriptors_list_the_allocators() -> None:
    """Would catch: a second list of allocators that goes stale when one is added."""
    wrong = []
    for path in sources():
        relative = str(path.relative_to(ROOT))
        if relative.startswith("allocators/"):
            continue
        names = {match.lower() for match in ALLOCATOR_NAMES.findall(code_of(path))}
        if len(names - {"glibc", "refmalloc"}) >= 2:
            wrong.append(f"{relative}: {sorted(names)}")
    assert not wrong, "\n".join(wrong)


def test_only_the_launcher_starts_processes_that_are_measured() -> None:
    """Would catch: a second way to start a child, without its limits and its small peak RSS."""
    starters = re.compile(r"\b(fork|vfork|execv\w*|system|popen)\s*\(")
    wrong = [
        str(path.relative_to(ROOT))
        for path in sources()
        if layer_of(str(path.relative_to(ROOT))) in {"bench/worker", "bench/cli", "workloads", "bench/probe", "bench/heap"}
        and starters.search(code_of(path))
    ]
    assert not wrong, wrong


def test_the_reference_allocator_includes_nothing_of_the_suite() -> None:
    """Would catch: a reference allocator that leans on the suite it is measured by."""
    for path in sources():
        if layer_of(str(path.relative_to(ROOT))) == "allocators/reference":
            assert all(include.startswith("allocators/reference/") for include in includes_of(path)), path


def refmalloc_sources() -> list[Path]:
    return [path for path in sources() if path.parent == ROOT / "allocators" / "reference"]


def test_every_file_of_the_reference_allocator_has_its_place_among_the_layers() -> None:
    """Would catch: a new file that may include whatever it likes, and a place that nobody fills."""
    assert {path.stem for path in refmalloc_sources()} == set(REFMALLOC_LAYERS)
    assert len(set(REFMALLOC_LAYERS)) == len(REFMALLOC_LAYERS), "a layer stands twice"


def test_the_reference_allocator_includes_only_downwards() -> None:
    """Would catch: a lower layer that knows who uses it, so that neither can be read or tested alone."""
    height = {layer: place for place, layer in enumerate(REFMALLOC_LAYERS)}
    edges = [(path, include) for path in refmalloc_sources() for include in includes_of(path)]
    upwards = [
        f"{path.relative_to(ROOT)} includes {include}"
        for path, include in edges
        if height[Path(include).stem] > height[path.stem]
    ]
    assert len(edges) > len(REFMALLOC_LAYERS) and not upwards, "\n".join(upwards)


#: package of scripts/heapwise -> packages it may import from (itself, errors and labels always)
PYTHON_ALLOWED: dict[str, set[str]] = {
    "records": set(),
    "inference": {"records"},
    "output": {"records", "inference"},
    "commands": {"records", "inference", "output"},
}
PYTHON_COMMON = {"", "errors", "labels"}


def imported_packages(path: Path) -> set[str]:
    """The packages, or modules of the root, that a file of scripts/heapwise imports from."""
    home = path.relative_to(ROOT / "scripts" / "heapwise").parent.parts
    found = set()
    for dots, module, names in re.findall(r"^ *from (\.+)([\w.]*) import (.+)$", path.read_text(), flags=re.MULTILINE):
        base = home[:len(home) - len(dots) + 1]
        place = (*base, *filter(None, module.split(".")))
        found.update([place[0]] if place else [name.strip().split(" ")[0] for name in names.split(",")])
    return found - {"SCHEMA_VERSION"}


def test_what_python_imports_follows_an_allowed_edge() -> None:
    """Would catch: a statistic that prints, a table that infers by asking a subcommand."""
    package = ROOT / "scripts" / "heapwise"
    wrong, seen = [], 0
    for path in sorted(package.rglob("*.py")):
        own = path.relative_to(package).parts[0]
        if own not in PYTHON_ALLOWED:
            continue
        seen += 1
        strangers = imported_packages(path) - PYTHON_ALLOWED[own] - PYTHON_COMMON - {own}
        wrong.extend(f"{path.relative_to(ROOT)} imports from {stranger}" for stranger in sorted(strangers))
    assert seen > len(PYTHON_ALLOWED) and not wrong, "\n".join(wrong)
