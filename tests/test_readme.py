"""The documents against the results they quote."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_every_figure_in_the_documents_comes_from_the_reference_results() -> None:
    """Would catch: a figure typed by hand, or results renewed without the README."""
    checked = subprocess.run([sys.executable, "-m", "heapwise", "readme", "--check"], cwd=ROOT / "scripts",
                             capture_output=True, text=True, timeout=120, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_reference_results_are_small_enough_to_be_committed() -> None:
    """Would catch: a campaign's raw data that makes every clone slow."""
    reference = ROOT / "results" / "reference"
    assert sum(file.stat().st_size for file in reference.rglob("*") if file.is_file()) <= 10_000_000
