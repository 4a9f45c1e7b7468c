"""The experiments on mechanisms, each in a process of its own, as they are started by hand."""
from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from heapwise_command import BUILD

EXPERIMENT = BUILD / "heapwise-experiment"
QUICK = ["overhead", "own_mapping", "threads", "alignment", "contents", "exhaustion", "misuse", "edges", "fork"]
OWN = str(BUILD / "librefmalloc.so")

pytestmark = pytest.mark.skipif(not EXPERIMENT.exists(), reason=f"no heapwise-experiment in {BUILD}; build first")


def tell(name: str, *arguments: str, preload: str = "") -> list[list[str]]:
    """The words of each line."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    done = subprocess.run([EXPERIMENT, f"mechanism_{name}", *arguments], capture_output=True, text=True, timeout=120, check=True,
                          env={**environment, "LD_PRELOAD": preload})
    return [line.split() for line in done.stdout.splitlines()]


def values_of(lines: list[list[str]]) -> dict[str, int]:
    return {words[1]: int(words[2]) for words in lines if words[0] == "value"}


def texts_of(lines: list[list[str]]) -> dict[str, str]:
    return {words[1]: " ".join(words[2:]) for words in lines if words[0] == "text"}


def curve_of(lines: list[list[str]], name: str) -> dict[float, float]:
    return {float(words[2]): float(words[3]) for words in lines if words[:2] == ["point", name]}


@pytest.mark.parametrize("preload", ["", OWN], ids=["as linked", "refmalloc"])
@pytest.mark.parametrize("name", QUICK)
def test_every_experiment_comes_to_its_end_and_shows_its_steps(name: str, preload: str) -> None:
    """Catches an experiment that a malloc can cut short, and one that cannot be followed step by step."""
    if preload and not Path(preload).exists():
        pytest.skip(f"no {preload}")
    lines = tell(name, preload=preload)
    assert texts_of(lines)["ended"] == f"mechanism_{name}"
    assert sum(words[0] == "step" for words in lines) >= 2


def test_objects_take_no_less_than_they_hold() -> None:
    """Catches objects that were never written to, and sizes under each other's names."""
    lines = tell("overhead")
    for name in ("resident_bytes", "stride_bytes", "usable_bytes"):
        curve = curve_of(lines, name)
        assert len(curve) == 18 and all(y > 0.98 * x for x, y in curve.items()), name


def test_a_mapping_of_its_own_is_as_large_as_what_is_asked_for() -> None:
    """Catches the top of a heap that is taken for a mapping."""
    values = values_of(tell("own_mapping"))
    size = values["own_mapping_from_bytes"]
    assert 0 < size <= values["largest_given_bytes"]
    assert size <= values["malloc_vsz_bytes"] <= 1.25 * size + (2 << 20) and values["free_vsz_bytes"] <= -size
    assert values["own_mapping_from_bytes_after_free"] >= size


def test_calloc_is_zero_and_alignment_suffices_for_any_type() -> None:
    """Catches an experiment that looks at another object than the one it was given."""
    values = values_of(tell("contents"))
    assert values["fresh_not_zero_bytes"] == values["reused_not_zero_bytes"] == 0
    alignments = curve_of(tell("alignment"), "alignment_bytes")
    assert len(alignments) == 7 and all(alignments[size] >= 16 for size in (16, 24, 64, 4096))


def test_a_heap_without_room_refuses_and_goes_on() -> None:
    """Catches a limit that is not reached, and an end that is not seen."""
    lines = tell("exhaustion")
    values, texts = values_of(lines), texts_of(lines)
    for blocks in ("blocks_of_1000", "blocks_of_1048576"):
        assert texts[blocks] == "NULL, ENOMEM" and values[f"{blocks}_after_all_freed"] == 1
        assert 128 << 20 < values[f"{blocks}_got_bytes"] <= 256 << 20


def test_freed_memory_is_watched_until_the_end() -> None:
    """Catches moments left out, and a release that is asked for under the wrong name without a word."""
    lines = tell("release", "1048576", "idle", "size", "malloc_trim", "0")
    given_back = curve_of(lines, "given_back_percent")
    assert list(given_back) == [0, 0.1, 0.5, 1, 2, 10] and all(-1 < share < 101 for share in given_back.values())
    assert curve_of(lines, "after_release_percent")[0] > 90


def test_every_child_allocates_under_the_own_allocators() -> None:
    """Catches a fork handler that is gone."""
    for preload in ("", *([OWN] if Path(OWN).exists() else [])):
        values = values_of(tell("fork", preload=preload))
        assert values["forks_count"] == values["children_well_count"] > 0
