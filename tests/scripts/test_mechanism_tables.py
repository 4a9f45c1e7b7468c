"""The table of mechanisms: mechanisms.json against the schema, the README's block of it."""

import copy
import json

import factory
import pytest
from heapwise.__main__ import main
from heapwise.commands import validate
from heapwise.errors import HeapwiseError
from heapwise.output.mechanism_tables import mechanism_table
from heapwise.output.render import markdown_table
from heapwise.records.mechanisms import mechanisms_from, read_mechanisms

DOCUMENT = {
    "schema_version": 1,
    "environment": factory.ENVIRONMENT,
    "allocators": [{"spec": "glibc", "library": "libc.so.6", "version": "2.0", "missing": ""},
                   {"spec": "mine", "library": "mine.so", "version": "", "missing": ""},
                   {"spec": "absent", "library": "", "version": "", "missing": "libabsent.so is not installed; apt-get install absent"}],
    "mechanisms": [
        {"id": "overhead", "title": "bytes an object takes beyond the 16 / 100 asked for", "how": "growth of RSS an object",
         "summary": {"glibc": "16 / 12", "mine": "0 / 12"},
         "lines": [{"label": "malloc(16)", "cells": {"glibc": "16 / 16 / 24", "mine": "0 / 0 / 16"}}], "notes": []},
        {"id": "stride", "title": "distance between neighbours", "how": "growth of RSS an object", "summary": {"glibc": "32", "mine": "16"},
         "lines": [{"label": "malloc(16)", "cells": {"glibc": "32", "mine": "16"}}], "notes": []},
        {"id": "misuse", "title": "free twice", "how": "in a process of its own", "summary": {"glibc": "abort", "mine": "nothing | none"},
         "lines": [{"label": "free(p), free(p)", "cells": {"glibc": "abort", "mine": "nothing"}}],
         "notes": ["glibc, free(p), free(p): <synthetic> double free"]}],
    "figures": {"glibc": {"mechanism_misuse": {"values": {"read_after_free_unchanged_bytes": 48}, "texts": {"double_free": "abort"},
                                               "curves": {"resident_bytes": {"16": 32.5}}}}},
}


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "results" / "reference" / "claims"
    folder.mkdir(parents=True)
    (folder / "mechanisms.json").write_text(json.dumps(DOCUMENT))
    (tmp_path / "README.md").write_text("# Synthetic\n<!-- heapwise:begin mechanisms -->\n<!-- heapwise:end mechanisms -->\nThe end.\n")
    return tmp_path


def test_the_block_holds_every_row_and_column(repository, capsys):
    """Would catch: an allocator that is left out, a message that a page hides as markup, a figure changed by hand."""
    assert main(["readme", "--root", str(repository)]) == 0
    text = (repository / "README.md").read_text()
    assert "| mechanism | glibc<br><sub>2.0</sub> | mine | absent |\n| :--- | :--- | :--- | :--- |" in text
    assert "| bytes an object takes beyond the 16 / 100 asked for | 16 / 12 | 0 / 12 | missing |" in text
    assert r"| free twice | abort | nothing \| none | missing |" in text
    assert "- absent is missing: libabsent.so is not installed; apt-get install absent" in text
    assert "- **bytes an object takes beyond the 16 / 100 asked for**; **distance between neighbours**: growth of RSS an object\n" in text
    assert "- **free twice**: in a process of its own\n  - glibc, free(p), free(p): &lt;synthetic&gt; double free" in text
    assert "Measured on Synthetic CPU" in text and text.endswith("The end.\n")
    assert main(["readme", "--root", str(repository), "--check"]) == 0
    (repository / "README.md").write_text(text.replace("16 / 12", "16 / 11"))
    assert main(["readme", "--root", str(repository), "--check"]) == 1


def test_a_reference_of_claims_is_no_campaign(repository):
    """Would catch: a folder without runs that stops every other document."""
    (repository / "README.md").write_text("<!-- heapwise:begin summary -->\n<!-- heapwise:end summary -->\n")
    assert main(["readme", "--root", str(repository)]) == 2
    (repository / "README.md").write_text("Nothing is generated here.\n")
    assert main(["readme", "--root", str(repository)]) == 0


def test_without_the_file_the_error_says_how_it_is_made(repository, capsys):
    """Would catch: an empty block, or a traceback, before anything was measured."""
    (repository / "results" / "reference" / "claims" / "mechanisms.json").unlink()
    assert main(["readme", "--root", str(repository)]) == 2
    assert "mechanisms.json does not exist. Write it with `heapwise claims --allocators" in capsys.readouterr().err


def test_a_file_of_another_version_is_refused(tmp_path):
    """Would catch: figures read by the wrong names."""
    (tmp_path / "mechanisms.json").write_text(json.dumps({**DOCUMENT, "schema_version": 2}))
    with pytest.raises(HeapwiseError, match="schema_version"):
        read_mechanisms(tmp_path)


def test_the_document_conforms_and_what_must_not_be_stored_is_refused(tmp_path):
    """Would catch: a field under a name that the schema does not list, an empty cell."""
    file = tmp_path / "mechanisms.json"
    file.write_text(json.dumps(DOCUMENT))
    assert validate.problems(tmp_path) == ([], 1)
    changed = copy.deepcopy(DOCUMENT)
    changed["mechanisms"][0]["summary"]["glibc"] = ""
    changed["allocators"][0]["rank"] = 1
    file.write_text(json.dumps(changed))
    assert len(validate.problems(tmp_path)[0]) == 2


def test_the_table_is_small_enough_for_a_page():
    """Would catch: a row for each detail."""
    table = mechanism_table(mechanisms_from(DOCUMENT))
    assert len(table.rows) == len(DOCUMENT["mechanisms"]) and all(len(row) == len(table.headings) for row in table.rows)
    assert len(markdown_table(table)) == 2 + len(table.rows)
