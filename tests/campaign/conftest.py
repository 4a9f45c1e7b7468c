"""Fixtures: a command in a folder of the test's own, and the allocators that misbehave."""
from __future__ import annotations

from pathlib import Path

import pytest

from heapwise_command import BUILD, Heapwise


@pytest.fixture
def heapwise(tmp_path: Path) -> Heapwise:
    if not (BUILD / "heapwise").exists():
        pytest.skip(f"no heapwise in {BUILD}; build first, or set HEAPWISE_BUILD_DIR")
    return Heapwise(tmp_path)


@pytest.fixture
def evil() -> Path:
    folder = BUILD / "tests"
    if not (folder / "libevil_crash.so").exists():
        pytest.skip(f"the evil libraries are not in {folder}")
    return folder
