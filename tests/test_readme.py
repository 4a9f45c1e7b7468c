"""The documents against the results they quote, and against the program and the sources they describe."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("HEAPWISE_BUILD_DIR", ROOT / "build")).resolve()


def test_what_is_generated_in_the_documents_is_what_results_program_and_sources_say() -> None:
    """Would catch: a figure typed by hand, results renewed without the README, a workload that its page knows nothing of."""
    if not (BUILD / "heapwise").exists():
        pytest.skip(f"no heapwise in {BUILD}; build first, or set HEAPWISE_BUILD_DIR")
    checked = subprocess.run([sys.executable, "-m", "heapwise", "readme", "--check", "--build", str(BUILD)], cwd=ROOT / "scripts",
                             capture_output=True, text=True, timeout=120, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_page_of_the_workloads_is_generated() -> None:
    """Would catch: a page that nothing holds to the program, because its marks are gone."""
    page = (ROOT / "docs" / "workloads.md").read_text()
    assert "<!-- heapwise:begin workloads -->" in page and "<!-- heapwise:end workloads -->" in page


def test_the_reference_results_are_small_enough_to_be_committed() -> None:
    """Would catch: a campaign's raw data that makes every clone slow."""
    reference = ROOT / "results" / "reference"
    assert sum(file.stat().st_size for file in reference.rglob("*") if file.is_file()) <= 10_000_000
