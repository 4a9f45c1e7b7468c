"""The programs in workloads/apps as data: nothing is run here, so that no database need be installed."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ROOT / "workloads" / "apps"
NAMES = sorted(file.parent.name for file in APPS.glob("*/app.json"))
SHELL_TEXTS = ("setup", "prepare", "command", "serve", "ready", "drive", "stop", "digest", "filter")
TEXTS = ("name", "models", *SHELL_TEXTS)
LISTS_OF_TEXT = ("packages", "programs", "allocators", "check_files", "metrics")
FIELDS = {*TEXTS, *LISTS_OF_TEXT, "environment", "expect_exit", "timing"}
LONGEST_TEXT = 200


def read_app(name: str) -> dict[str, Any]:
    return json.loads((APPS / name / "app.json").read_text(encoding="utf-8"))


def files_beside(name: str) -> list[Path]:
    return sorted(file for file in (APPS / name).iterdir() if file.name != "app.json")


def texts_of(name: str, without: str = "") -> str:
    """Everything of a program that can name one of its files."""
    files = [file for file in files_beside(name) if file.name != without]
    return "\n".join([json.dumps(read_app(name)), *(file.read_text(encoding="utf-8") for file in files)])


def check_shell(text: str) -> None:
    checked = subprocess.run(["/bin/sh", "-n"], input=text, capture_output=True, text=True, timeout=10, check=False)
    assert checked.returncode == 0, checked.stderr


def bootstrap_packages() -> set[str]:
    found = re.search(r'^apps="([^"]*)"$', (ROOT / "scripts" / "bootstrap").read_text(), re.MULTILINE)
    assert found, "scripts/bootstrap has no list named apps"
    return set(found[1].split())


def test_every_folder_holds_a_program() -> None:
    """Would catch: a folder without app.json, which no campaign would miss."""
    assert NAMES and NAMES == sorted(folder.name for folder in APPS.iterdir() if folder.is_dir())


@pytest.mark.parametrize("name", NAMES)
class TestProgram:
    def test_has_the_fields_it_needs_and_no_unknown_one(self, name: str) -> None:
        """Would catch: a mistyped field, such as "diggest", that turns a check off and says nothing."""
        app = read_app(name)
        assert set(app) <= FIELDS
        assert all(app.get(field) for field in ("name", "models", "packages", "programs"))
        assert ("command" in app) != ("serve" in app and "drive" in app)
        if "command" in app:
            assert not {"serve", "ready", "drive", "stop"} & set(app)

    def test_has_values_of_the_right_kind(self, name: str) -> None:
        """Would catch: a text where a list belongs, whose letters would be taken one by one."""
        app = read_app(name)
        for field in set(app) & set(TEXTS):
            assert isinstance(app[field], str) and app[field].strip() and "\n" not in app[field], field
        for field in set(app) & set(LISTS_OF_TEXT):
            assert isinstance(app[field], list) and all(isinstance(item, str) and item for item in app[field]), field
        assert all(isinstance(value, str) for value in app.get("environment", {}).values())
        assert isinstance(app.get("expect_exit", 0), int) and app.get("timing", "whole") in ("whole", "serve")

    def test_is_named_like_its_folder(self, name: str) -> None:
        """Would catch: figures of one program filed under another's name after a folder was copied."""
        assert read_app(name)["name"] == name and re.fullmatch("[a-z0-9_-]+", name)

    def test_proves_the_state_of_a_server(self, name: str) -> None:
        """Would catch: a server whose answers nobody looks at, so that a corrupting allocator looks fast."""
        assert "digest" in read_app(name) or "serve" not in read_app(name)

    def test_has_short_shell_texts_that_parse(self, name: str) -> None:
        """Would catch: a quote lost on the way through JSON, found only where the program is installed."""
        app = read_app(name)
        for field in set(app) & set(SHELL_TEXTS):
            assert len(app[field]) <= LONGEST_TEXT, field
            check_shell(app[field])

    def test_has_scripts_that_parse(self, name: str) -> None:
        """Would catch: a script that fails halfway through a campaign, after other programs took minutes."""
        for file in files_beside(name):
            if file.suffix == ".sh":
                check_shell(file.read_text())
            elif file.suffix == ".py":
                ast.parse(file.read_text(), str(file))

    def test_calls_files_that_exist(self, name: str) -> None:
        """Would catch: an input renamed or moved without its app.json."""
        for path in re.findall(r"\$HEAPWISE_APP_DIR/([\w./-]+)", texts_of(name)):
            assert (APPS / name / path).is_file(), path

    def test_has_no_file_that_nothing_uses(self, name: str) -> None:
        """Would catch: an input that is no longer read, while everyone believes it is what runs."""
        for file in files_beside(name):
            assert file.is_file() and file.name in texts_of(name, without=file.name), file.name

    def test_has_metrics_with_exactly_one_group_and_a_direction(self, name: str) -> None:
        """Would catch: a pattern whose first group is not the figure, or a rate reported as better when lower."""
        metrics = read_app(name).get("metrics", [])
        names = [metric.partition("=")[0] for metric in metrics]
        assert len(names) == len(set(names))
        for metric in metrics:
            found = re.fullmatch(r"([a-z][a-z0-9_]*)=(.+):(higher|lower)", metric)
            assert found, metric
            assert re.compile(found[2]).groups == 1, metric
            assert not re.search(r"\(\?(?!:|=|!)|\\[AZ]|\{,", found[2]), f"not a pattern of ECMAScript: {metric}"
            assert (found[3] == "lower") == bool(re.search(r"(_ms|_us|_ns)$", found[1])), metric

    def test_keeps_paths_of_other_machines_out(self, name: str) -> None:
        """Would catch: a path that exists only where the program was written down, or a port others use."""
        assert not re.search(r"/(home|root|tmp|work)/", texts_of(name))
        assert not re.search(r"(127\.0\.0\.1|localhost):\d", texts_of(name))


def test_bootstrap_installs_exactly_the_packages_that_are_named() -> None:
    """Would catch: a program that `make apps` skips on every fresh machine, or a package installed for nothing."""
    assert bootstrap_packages() == {package for name in NAMES for package in read_app(name)["packages"]}


def test_the_table_of_programs_is_complete() -> None:
    """Would catch: a program that was added or removed without its line in the README."""
    rows = re.findall(r"^\| ([a-z0-9_-]+) \|", (APPS / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [row for row in rows if row != "program"] == NAMES
