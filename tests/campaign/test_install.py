"""`make install`: the command works from anywhere, with nothing of the source or build folder."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from heapwise_command import BUILD, Heapwise, records


@pytest.fixture
def installed(heapwise: Heapwise) -> Path:
    if shutil.which("cmake") is None:
        pytest.skip("no cmake")
    prefix = heapwise.folder / "prefix"
    done = subprocess.run(["cmake", "--install", str(BUILD), "--prefix", str(prefix)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return prefix


def run(prefix: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(prefix / "bin" / "heapwise"), *words], cwd="/", capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": ""}, timeout=120, check=False)


def test_try_works_from_anywhere_once_installed(installed: Path, tmp_path: Path) -> None:
    """Catches a part that is only found in the build folder."""
    done = run(installed, "try", "--repetitions", "2", "--warmup", "0", "--allocators", "glibc refmalloc",
               "--out", str(tmp_path / "a"), "--", "ls", "/")
    assert done.returncode == 0, done.stderr
    assert "refmalloc" in done.stdout
    used = {record["identity"]["library_path"] for record in records(tmp_path / "a")
            if record["cell"]["allocator"] == "refmalloc"}
    assert used == {str((installed / "lib" / "heapwise" / "librefmalloc.so").resolve())}
    manifest = (tmp_path / "a" / "manifest.json").read_text()
    assert str(BUILD) not in manifest.replace(str(tmp_path), "")


def test_the_real_programs_are_installed_with_their_inputs(installed: Path) -> None:
    """Catches descriptions without the scripts that they call."""
    done = run(installed, "list", "--json")
    assert done.returncode == 0, done.stderr
    apps = installed / "share" / "heapwise" / "apps"
    assert {f"apps/{folder.name}" for folder in apps.iterdir() if folder.is_dir()} == {
        app["name"] for app in json.loads(done.stdout)["apps"]}
    assert (apps / "sqlite3" / "allocating_query.sql").is_file()
