"""What was typed wrong is refused with exit code 2, a message that helps, and nothing measured."""
from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from heapwise_command import SMALL, Heapwise


@pytest.mark.parametrize(("words", "said"), [
    (["benhc"], "did you mean 'bench'"),
    (["bench", "--alocators", "glibc"], "did you mean '--allocators'"),
    (["bench", "--allocators", "jemaloc"], "did you mean 'jemalloc'"),
    (["bench", "--allocators", "glibc glibc"], "named twice"),
    (["bench", "--allocators", "null"], "measures the harness"),
    (["bench", "--allocators", "glibc:mmap_treshold=1M"], "did you mean 'mmap_threshold'"),
    (["bench", "--allocators", "glibc:mmap_threshold=big"], "mmap_threshold=big"),
    (["bench", "--allocators", "glibc:"], "cannot read"),
    (["bench", "--workloads", "smal_churn"], "did you mean 'small_churn'"),
    (["bench", "--workloads", "small_churn:lives=3"], "did you mean 'live'"),
    (["bench", "--workloads", "small_churn:live=many"], "live"),
    (["bench", "--workloads", "small_churn:live=0"], "live"),
    (["bench", "--workloads", "small_churn small_churn"], "twice"),
    (["bench", "--profile", "quik"], "did you mean 'quick'"),
    (["bench", "--time-budget", "5"], "write 90s, 5m or 1h"),
    (["bench", "--timeout", "0s"], "write 90s, 5m or 1h"),
    (["bench", "--seed", "x"], "--seed"),
    (["bench", "--scale", "1,b"], "write 1,2,4,8"),
    (["bench", "--scale", "1,2", "--workloads", "small_churn"], "small_churn has no parameter 'threads'"),
    (["bench", "--scale", "1,2", "--workloads", "apps/shell"], "leave out apps"),
    (["bench", "--resume", "nowhere", "--scale", "2"], "excludes"),
    (["bench", "--resume", "nowhere"], "no campaign"),
    (["bench", "--resume", "nowhere", "--seed", "3"], "--resume excludes --seed"),
    (["bench", "--", "prog"], "heapwise try -- COMMAND"),
    (["list", "smal_churn"], "did you mean 'small_churn'"),
    (["list", "small_churn", "jemaloc"], "did you mean 'jemalloc'"),
    (["list", "--json", "null"], "there is no workload, allocator or app 'null'"),
    (["try"], "needs a command"),
    (["try", "--", "no-such-program"], "no-such-program"),
    (["try", "--repetitions", "0", "--", "true"], "--repetitions"),
    (["try", "--serve", "server"], "no client; say with --drive"),
    (["try", "--drive", "client"], "say with --serve"),
    (["try", "--serve", "server", "--drive", "client", "--", "true"], "either a command after '--' or --serve"),
    (["try", "--timing", "serve", "--", "true"], "only a server"),
    (["try", "--timing", "always", "--", "true"], "--timing"),
    (["try", "--metric", "rps=[0-9]+", "--", "true"], "exactly one group"),
    (["try", "--metric", "a=(1)", "--metric", "a=(2)", "--", "true"], "given twice"),
    (["try", "--input", "nowhere", "--", "true"], "is not a file that can be read"),
    (["try", "--output-limit", "lots", "--", "true"], "write 64M, 2G or plain bytes"),
    (["try", "--ready-timeout", "5", "--", "true"], "write 90s, 5m or 1h"),
    (["try", "--resume", "nowhere"], "no campaign"),
    (["try", "--resume", "nowhere", "--", "true"], "leave out '-- true'"),
    (["try", "--chek-file", "a", "--", "true"], "did you mean '--check-file'"),
])
def test_wrong_input_is_refused_with_a_remedy(heapwise: Heapwise, words: list[str], said: str) -> None:
    """Catches input that is ignored, and errors that only say that there is one."""
    answer = heapwise.run(*words)
    assert answer.code == 2
    assert said in answer.err
    assert answer.err.startswith("heapwise: error: ")
    assert answer.out == ""
    assert not (heapwise.folder / "results").exists()


def test_a_library_that_is_none_is_refused(heapwise: Heapwise) -> None:
    """Catches LD_PRELOAD's habit of printing a line and running on glibc."""
    text = heapwise.folder / "libtext.so"
    text.write_text("not a library\n")
    answer = heapwise.run("bench", "--allocators", f"glibc mine={text}")
    assert answer.code == 2
    assert "libtext.so" in answer.err
    assert heapwise.run("bench", "--allocators", "mine=./absent.so").code == 2


@pytest.mark.parametrize("below", ["file/folder", "/proc/heapwise/results", "/dev/null/results"])
def test_a_folder_that_cannot_be_written_is_refused_first(heapwise: Heapwise, below: str) -> None:
    """Catches a campaign that measures for an hour and then has nowhere to put it."""
    (heapwise.folder / "file").write_text("")
    answer = heapwise.run("bench", *SMALL, "--allocators", "glibc", "--out", below)
    assert answer.code == 2
    assert below in answer.err
    assert "--out" in answer.err


def test_a_cell_larger_than_the_memory_is_refused_with_its_size(heapwise: Heapwise) -> None:
    """Catches a machine driven into its out-of-memory killer."""
    answer = heapwise.run("bench", "--allocators", "glibc", "--workloads",
                          "small_churn:live=90M,min=64K,max=64K,operations=1K")
    assert answer.code == 2
    assert "MiB" in answer.err
    assert "nothing was measured" in answer.err
    assert not (heapwise.folder / "results").exists()


def test_a_folder_of_another_version_is_not_continued(heapwise: Heapwise) -> None:
    """Catches records of two schemas in one file."""
    folder = heapwise.folder / "old"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"schema_version": 99}))
    answer = heapwise.run("bench", "--resume", "old")
    assert answer.code == 2
    assert "schema version 99" in answer.err
    (folder / "manifest.json").write_text("{torn")
    assert heapwise.run("bench", "--resume", "old").code == 2


def test_a_folder_with_a_campaign_is_not_overwritten(heapwise: Heapwise) -> None:
    """Catches an --out that is used twice by mistake."""
    folder = heapwise.folder / "a"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    answer = heapwise.run("bench", *SMALL, "--allocators", "glibc", "--out", "a")
    assert answer.code == 2
    assert "--resume" in answer.err
    assert (folder / "manifest.json").read_text() == "{}"


def test_help_teaches_and_is_no_error(heapwise: Heapwise) -> None:
    """Catches help without an example, or on the wrong stream."""
    for words in (["--help"], ["bench", "--help"], ["try", "--help"], ["list", "--help"]):
        answer = heapwise.run(*words)
        assert answer.code == 0
        assert "heapwise " in answer.out
        assert answer.err == ""


def test_list_spells_the_choices_of_a_parameter(heapwise: Heapwise) -> None:
    """Catches a choice that is listed as a number between 0 and 2."""
    catalogue = json.loads(heapwise.run("list", "--json").out)
    fixed_size = next(one for one in catalogue["workloads"] if one["name"] == "fixed_size")
    order = next(one for one in fixed_size["parameters"] if one["key"] == "order")
    assert order == {"key": "order", "unit": "choice", "default": "lifo", "choices": ["lifo", "fifo", "random"],
                     "help": order["help"]}
    assert "lifo|fifo|random" in heapwise.run("list").out


def test_colours_are_for_terminals_only(heapwise: Heapwise) -> None:
    """Catches escape sequences in a log."""
    assert "\033" not in heapwise.run("list").out
    assert "\033" not in heapwise.run("benhc").err


def test_the_command_works_from_any_folder_by_any_name(heapwise: Heapwise) -> None:
    """Catches parts that are looked for beside the link instead of the program."""
    link = Path(heapwise.folder / "hw")
    os.symlink(heapwise.command()[0], link)
    assert os.waitstatus_to_exitcode(os.system(f"cd / && {link} list > /dev/null")) == 0
