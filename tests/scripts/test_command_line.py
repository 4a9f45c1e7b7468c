"""The subcommands as typed: what they write, print and exit with; and the choice of the interpreter."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import factory
import pytest
from heapwise.__main__ import SUBCOMMANDS, main

REPOSITORY = Path(__file__).resolve().parents[2]


def test_summarize_writes_the_summary_beside_the_records(small_folder, capsys):
    """Would catch: a summary that only the screen has seen."""
    assert main(["summarize", str(small_folder), "--no-plots"]) == 0
    assert capsys.readouterr().out.startswith("small_churn\n")
    assert json.loads((small_folder / "summary.json").read_text())["kind"] == "bench"
    assert (small_folder / "summary.md").read_text().startswith("# Summary")
    assert main(["validate", str(small_folder)]) == 0


def test_summarize_prints_json_and_nothing_else(small_folder, capsys):
    """Would catch: a table in front of the JSON that another program reads."""
    assert main(["summarize", str(small_folder), "--json", "--png"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((small_folder / "summary.json").read_text())
    assert (small_folder / "plots" / "throughput.svg").is_file() and (small_folder / "plots" / "throughput.png").is_file()


@pytest.mark.parametrize("words", [["summarize"], ["plot"], ["validate"], ["reference"]])
def test_a_folder_that_is_none_exits_with_two_and_says_what_to_do(tmp_path, capsys, words):
    """Would catch: a traceback, or success, for a mistyped folder."""
    more = ["name", "--into", str(tmp_path / "into")] if words == ["reference"] else []
    assert main([*words, str(tmp_path / "nowhere"), *more]) == 2
    message = capsys.readouterr().err
    assert message.startswith("heapwise: ") and "nowhere" in message and "Name a folder" in message


def test_validate_names_the_line_and_exits_with_one(small_folder, capsys):
    """Would catch: a record off the schema that passes as valid."""
    records = factory.read_records(small_folder)
    records[2]["metrics"]["cpu_time"] = 1
    factory.write_records(small_folder, records)
    assert main(["validate", str(small_folder)]) == 1
    assert "runs.jsonl:3: metrics: 'cpu_time'" in capsys.readouterr().out


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_the_docstring_is_the_help(name, capsys):
    """Would catch: a help that says less than the module, or nothing."""
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"python -m heapwise {name}" in capsys.readouterr().out


def test_an_unwritable_folder_is_an_error_not_a_traceback(small_folder, capsys, monkeypatch):
    """Would catch: a half-written summary.json taken for a whole one."""
    from pathlib import Path

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    assert main(["summarize", str(small_folder), "--no-plots"]) == 2
    assert "cannot be written: Permission denied" in capsys.readouterr().err
    assert not (small_folder / "summary.json").exists()


def test_the_package_runs_as_a_module_from_anywhere(small_folder, tmp_path):
    """Would catch: an import that works only inside the tests."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "scripts"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-m", "heapwise", "validate", str(small_folder)], cwd=tmp_path, env=environment,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "0 problems" in done.stdout, done.stderr


def choose(path="", **environment):
    return subprocess.run(["/bin/sh", str(REPOSITORY / "scripts" / "choose-python")], capture_output=True, text=True, check=False,
                          env={"PATH": path or os.environ["PATH"], **environment})


def test_the_chosen_python_can_import_what_is_needed():
    """Would catch: the first python3 on PATH, which on many machines cannot."""
    done = choose()
    assert done.returncode == 0, done.stderr
    path = done.stdout.strip()
    subprocess.run([path, "-c", "import numpy, scipy.stats, matplotlib"], check=True)


def test_a_python_without_the_packages_is_passed_over(tmp_path):
    """Would catch: a choice by name instead of by what can be imported."""
    fake = tmp_path / "python3"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    done = choose(path=f"{tmp_path}:{os.environ['PATH']}", HEAPWISE_PYTHON=str(fake))
    assert done.returncode == 0 and done.stdout.strip() != str(fake) and "HEAPWISE_PYTHON" in done.stderr


def test_the_users_own_interpreter_comes_first():
    """Would catch: HEAPWISE_PYTHON ignored."""
    assert choose(HEAPWISE_PYTHON=sys.executable).stdout.strip() == sys.executable


def test_no_python_at_all_says_what_to_install(tmp_path):
    """Would catch: an empty line taken for an interpreter's path."""
    script = (REPOSITORY / "scripts" / "choose-python").read_text().replace("/usr/bin/python3", "").replace("/usr/local/bin/python3", "")
    copy = tmp_path / "choose-python"
    copy.write_text(script)
    done = subprocess.run([shutil.which("sh"), str(copy)], capture_output=True, text=True, check=False, env={"PATH": str(tmp_path)})
    assert done.returncode == 1 and done.stdout == "" and "apt-get install python3 python3-numpy" in done.stderr
