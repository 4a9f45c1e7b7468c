"""The built `heapwise` as a user runs it, and what it leaves in a folder. The build is HEAPWISE_BUILD_DIR, or ROOT/build."""
from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HEAPWISE_BUILD_DIR", ROOT / "build")).resolve()

# One cell that is done in a moment: 5 passes on glibc and the null allocator's own cost.
SMALL = ["--profile", "smoke", "--workloads", "small_churn:live=1K,operations=20K"]


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Heapwise:
    """The command, run in a folder of the test's own."""

    folder: Path

    def command(self, *words: str) -> list[str]:
        return [str(BUILD / "heapwise"), *words]

    def run(self, *words: str, timeout_seconds: float = 120, **environment: str) -> Answer:
        done = subprocess.run(self.command(*words), cwd=self.folder, capture_output=True, text=True,
                              timeout=timeout_seconds, env={**os.environ, **environment}, check=False)
        return Answer(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, user: int | None = None) -> subprocess.Popen[str]:
        """In a process group of its own, so that a test can press Ctrl-C for it alone."""
        return subprocess.Popen(self.command(*words), cwd=self.folder, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, start_new_session=True, user=user)


def records(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]


def counted_cells(folder: Path) -> list[str]:
    """What counts in a folder, in an order of its own: of each block the last attempt, no interruptions."""
    all_records = records(folder)
    last: dict[tuple[int, int], int] = {}
    for record in all_records:
        block = (record["group"], record["block"])
        last[block] = max(last.get(block, 0), record["attempt"])
    return sorted(
        json.dumps([record["cell"], record["block"], record["order"], record["seed"]])
        for record in all_records
        if record["attempt"] == last[record["group"], record["block"]] and record["status"] != "interrupted")


def manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def summary(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text())
