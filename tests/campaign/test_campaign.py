"""Campaigns for real: misbehaving allocators, interruptions, full disks."""
from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from heapwise_command import ROOT, SMALL, Heapwise, counted_cells, manifest, records

SEED = ["--seed", "42"]
# Enough calls for the evil libraries to show, in the shortened checked pass too.
EVIL = ["--profile", "smoke", "--workloads", "small_churn:live=1K,operations=500K"]
# Long enough to be stopped in the middle.
LONG = ["--profile", "smoke", "--workloads", "small_churn:live=1K,operations=10M", "--allocators", "glibc jemalloc"]


def statuses(folder: Path, allocator: str) -> set[str]:
    return {record["status"] for record in records(folder) if record["cell"]["allocator"] == allocator}


def wait_for_records(folder: Path, count: int, process: subprocess.Popen[str]) -> None:
    journal = folder / "runs.jsonl"
    for _ in range(1200):
        if journal.exists() and len(journal.read_text().splitlines()) >= count:
            return
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        time.sleep(0.05)
    raise AssertionError("no records within a minute")


def children_of(pid: int) -> list[int]:
    """All descendants, by /proc: the measured process is the launcher's child."""
    found: list[int] = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [int(child), *children_of(int(child))]
    return found


def worker_of(process: subprocess.Popen[str]) -> int:
    for _ in range(1000):
        try:
            for pid in children_of(process.pid):
                if Path(f"/proc/{pid}/comm").read_text().strip() == "heapwise-worker":
                    return pid
        except (FileNotFoundError, ProcessLookupError):
            pass
        time.sleep(0.01)
    raise AssertionError("no worker was started")


def test_a_small_campaign_ends_with_valid_records_and_a_summary(heapwise: Heapwise) -> None:
    """Catches records that the schema does not describe, and a plan that is not carried out."""
    answer = heapwise.run("bench", *SMALL, *SEED, "--allocators", "glibc refmalloc", "--out", "a")
    folder = heapwise.folder / "a"
    assert answer.code == 0, answer.err
    planned = sum(group["blocks"] * len(group["allocators"]) for group in manifest(folder)["plan"])
    assert len(records(folder)) == planned
    assert statuses(folder, "glibc") == statuses(folder, "refmalloc") == {"ok"}
    assert (folder / "summary.json").exists()
    assert "glibc" in answer.out
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "results" / "schema.json").read_text())
    for name, documents in (("run_record", records(folder)), ("manifest", [manifest(folder)])):
        for document in documents:
            jsonschema.validate(document, {**schema, "$ref": f"#/$defs/{name}"})


def test_json_prints_the_summary_and_nothing_else(heapwise: Heapwise) -> None:
    """Catches progress or a table within what a program parses."""
    answer = heapwise.run("bench", *SMALL, "--allocators", "glibc", "--json", "--out", "a")
    assert json.loads(answer.out)["kind"] == "bench"


def test_the_same_seed_measures_the_same_cells(heapwise: Heapwise) -> None:
    """Catches an order that does not follow from the seed."""
    for out in ("a", "b"):
        heapwise.run("bench", *SMALL, *SEED, "--allocators", "glibc jemalloc", "--out", out)
    assert counted_cells(heapwise.folder / "a") == counted_cells(heapwise.folder / "b")
    order = [[record["run_id"] for record in records(heapwise.folder / out)] for out in ("a", "b")]
    assert order[0] == order[1]


@pytest.mark.parametrize(("library", "expected"), [
    ("libevil_crash.so", {"crashed"}),
    ("libevil_hang.so", {"timed_out"}),
    ("libevil_fake_jemalloc.so", {"wrong_allocator"}),
])
def test_a_misbehaving_library_is_a_status_and_the_others_go_on(
        heapwise: Heapwise, evil: Path, library: str, expected: set[str]) -> None:
    """Catches a crash recorded as fast, a hang that blocks for ever, an impostor that is believed."""
    name = "jemalloc" if "jemalloc" in library else "mine"
    spec = f"{name}={evil / library}"
    answer = heapwise.run("bench", *EVIL, "--allocators", f"glibc {spec}", "--timeout", "2s", "--out", "a")
    assert answer.code == 1, answer.err
    assert statuses(heapwise.folder / "a", "glibc") == {"ok"}
    assert statuses(heapwise.folder / "a", spec) == expected
    assert all(not record["metrics"] for record in records(heapwise.folder / "a")
               if record["cell"]["allocator"] == spec)


def test_overlapping_objects_are_found_by_the_checked_pass(heapwise: Heapwise, evil: Path) -> None:
    """Catches an allocator that hands memory out twice and wins by it."""
    spec = f"mine={evil / 'libevil_overlap.so'}"
    answer = heapwise.run("bench", *EVIL, "--allocators", f"glibc {spec}", "--timeout", "5s", "--out", "a")
    assert answer.code == 1, answer.err
    checked = {record["status"] for record in records(heapwise.folder / "a")
               if record["cell"]["allocator"] == spec and record["cell"]["pass"] == "checked"}
    assert checked == {"integrity_failed"}


def test_a_killed_worker_is_a_crash_by_signal_nine(heapwise: Heapwise) -> None:
    """Catches a kill from outside that is blamed on the allocator, or becomes a gap."""
    process = heapwise.start("bench", *LONG, *SEED, "--out", "a")
    os.kill(worker_of(process), signal.SIGKILL)
    process.communicate(timeout=120)
    assert process.returncode == 1
    killed = [record for record in records(heapwise.folder / "a") if record["status"] != "ok"]
    assert [(record["status"], record["signal"]) for record in killed] == [("crashed", signal.SIGKILL)]
    assert "heapwise did not send" in killed[0]["status_detail"]


def test_ctrl_c_ends_cleanly_and_resume_gives_the_same_cells(heapwise: Heapwise) -> None:
    """Catches a resumed campaign that measures other cells, or half a block completed later."""
    assert heapwise.run("bench", *LONG, *SEED, "--out", "whole").code == 0
    process = heapwise.start("bench", *LONG, *SEED, "--out", "stopped")
    wait_for_records(heapwise.folder / "stopped", 3, process)
    worker = worker_of(process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in errors
    assert not Path(f"/proc/{worker}").exists()
    assert records(heapwise.folder / "stopped")[-1]["status"] in ("interrupted", "ok")
    assert heapwise.run("bench", "--resume", "stopped").code == 0
    assert counted_cells(heapwise.folder / "stopped") == counted_cells(heapwise.folder / "whole")


def test_a_campaign_that_was_killed_is_resumed(heapwise: Heapwise) -> None:
    """Catches records that were only in memory, a torn line that swallows others, workers left behind."""
    assert heapwise.run("bench", *LONG, *SEED, "--out", "whole").code == 0
    process = heapwise.start("bench", *LONG, *SEED, "--out", "killed")
    wait_for_records(heapwise.folder / "killed", 3, process)
    worker = worker_of(process)
    process.kill()
    process.communicate(timeout=60)
    for _ in range(200):
        if not Path(f"/proc/{worker}").exists():
            break
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()
    with (heapwise.folder / "killed" / "runs.jsonl").open("a") as journal:
        journal.write('{"schema_version":1,"run_id":"torn')
    answer = heapwise.run("bench", "--resume", "killed")
    assert answer.code == 0, answer.err
    assert "torn last line" in answer.err
    assert counted_cells(heapwise.folder / "killed") == counted_cells(heapwise.folder / "whole")


def test_two_campaigns_do_not_share_a_folder(heapwise: Heapwise) -> None:
    """Catches records of two campaigns mixed in one file."""
    process = heapwise.start("bench", *LONG, "--out", "a")
    wait_for_records(heapwise.folder / "a", 1, process)
    for words in (["--out", "a", *SMALL], ["--resume", "a"]):
        answer = heapwise.run("bench", *words)
        assert answer.code == 2
        assert f"another heapwise (process {process.pid})" in answer.err
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def mount_small_disk(folder: Path) -> bool:
    c_library = ctypes.CDLL(None, use_errno=True)
    return c_library.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, b"size=64m") == 0


def fill_disk(disk: Path, left_bytes: int) -> Path:
    filler = disk / "filler"
    space = os.statvfs(disk)
    filler.write_bytes(b"x" * (space.f_bavail * space.f_frsize - left_bytes))
    return filler


def test_a_full_disk_says_so_and_keeps_what_was_measured(heapwise: Heapwise) -> None:
    """Catches a full disk that goes unnoticed, or takes the records with it."""
    disk = heapwise.folder / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or not mount_small_disk(disk):
        pytest.skip("only root can mount a small disk")
    try:
        filler = fill_disk(disk, left_bytes=20 * 1024)  # for the manifest and some records
        answer = heapwise.run("bench", *SMALL, *SEED, "--allocators", "glibc jemalloc", "--out", "disk/a")
        assert answer.code == 2
        assert "the disk is full" in answer.err
        kept = records(disk / "a")
        assert kept
        filler.unlink()
        assert heapwise.run("bench", "--resume", "disk/a").code == 0
        assert records(disk / "a")[:len(kept)] == kept
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_time_budget_leaves_whole_blocks_out(heapwise: Heapwise) -> None:
    """Catches a budget that is overrun, and half a block at its end."""
    # Six blocks of which each alone may spend the budget, so that a fast machine leaves some out too.
    long = [word.replace("operations=10M", "operations=40M") for word in LONG]
    answer = heapwise.run("bench", *long, "--time-budget", "1s", "--out", "a")
    assert answer.code == 0, answer.err
    assert "blocks left out" in answer.err
    blocks: dict[tuple[int, int], int] = {}
    plan = manifest(heapwise.folder / "a")["plan"]
    for record in records(heapwise.folder / "a"):
        key = (record["group"], record["block"])
        blocks[key] = blocks.get(key, 0) + 1
    assert all(count == len(plan[group]["allocators"]) for (group, _), count in blocks.items())


def test_without_python_the_data_is_kept_and_the_command_told(heapwise: Heapwise) -> None:
    """Catches an hour of measuring that is lost to a missing module."""
    empty = heapwise.folder / "empty"
    empty.mkdir()
    # An interpreter that cannot import what is needed, whichever is tried.
    blocked = heapwise.folder / "modules" / "numpy"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError('blocked')")
    answer = heapwise.run("bench", *SMALL, "--allocators", "glibc", "--out", "a",
                          PYTHONPATH=str(blocked.parent), HEAPWISE_PYTHON="")
    assert answer.code == 2
    assert "-m heapwise summarize" in answer.err
    assert records(heapwise.folder / "a")
