"""docs/workloads.md: what the files of the workloads say of themselves, beside what the program says."""

import re

import factory
import pytest
from conftest import REPOSITORY
from heapwise.errors import HeapwiseError
from heapwise.output.workload_pages import markdown_paragraph, workload_pages
from heapwise.records.catalogue import Catalogue, ask_program
from heapwise.records.headers import PARTS, read_header

HEADER = """// {name}
//
// Models: a program that calls `free`
// and nothing else.
//
// Does not model: a * b * c,
// - one thing that goes
//   on here
// - another
//
// Parameters and their source: the suite's own choice.
//
//     drawn:  | a | b |
//             | < | > |
//
// How to read the result: an operation is one free.
//
// A second paragraph.

#include "workloads/table.h"
// Models: not part of the header
"""


@pytest.fixture
def workload_file(tmp_path):
    def write(text=HEADER, name="small_churn"):
        file = tmp_path / "workloads" / f"{name}.cpp"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.replace("{name}", name))
        return file

    return write


@pytest.mark.parametrize("file", [file for file in sorted((REPOSITORY / "workloads").glob("*.cpp")) if file.stem != "table"],
                         ids=lambda file: file.stem)
def test_every_workload_says_the_four_things_of_itself(file):
    """Would catch: a workload of which nobody can say what it stands for or how its figures are read."""
    header = read_header(file)
    assert tuple(header.parts) == PARTS


@pytest.mark.parametrize("change, message", [
    (lambda text: text.replace("// {name}\n", ""), "the first line is to be `// small_churn`"),
    (lambda text: text.replace("{name}", "large_churn"), "the first line is to be `// small_churn`"),
    (lambda text: text.replace("// How to read", "// On reading"), "no part `How to read the result:`"),
    (lambda text: re.sub(r"// Parameters and(.|\n)*// How", "// Parameters and their source:\n//\n// How", text),
     "no part `Parameters and their source:`"),
    (lambda text: text.replace("// A second paragraph.", "// Models: more."), "the part `Models:` is there twice"),
    (lambda text: text.replace("// Models:", "// It models:"), "begins with `It models: a program that calls `free``"),
    (lambda text: text.replace("// Models:", "// X:").replace("// Does not model:", "// Models:").replace("// X:", "// Does not model:"),
     "stand in another order"),
    (lambda text: f"#include <x>\n{text}", "the first line is to be `// small_churn`"),
])
def test_a_header_that_lacks_something_is_told_with_its_file(workload_file, change, message):
    """Would catch: a page with a hole in it, or an error that leaves one searching."""
    with pytest.raises(HeapwiseError) as raised:
        read_header(workload_file(change(HEADER)))
    assert message in str(raised.value) and "small_churn.cpp" in str(raised.value)


def test_a_workload_without_a_file_of_its_name_is_told(tmp_path):
    """Would catch: a traceback where somebody named a file otherwise."""
    with pytest.raises(HeapwiseError, match="each workload has a file of its name"):
        read_header(tmp_path / "workloads" / "larson.cpp")


def test_the_pages_are_the_golden_ones(workload_file, golden):
    """Would catch: a parameter's range under another's name, a list or a drawing run together, a profile's row that is lost."""
    catalogue = Catalogue.from_json(factory.catalogue())
    headers = {one.name: read_header(workload_file(name=one.name)) for one in catalogue.workloads}
    golden("workloads.md", "\n".join(workload_pages(catalogue, headers)) + "\n")


@pytest.mark.parametrize("lines, expected", [
    (("_exit is `a_b * c` and 2*3*4 <x>",), [r"\_exit is `a_b * c` and 2\*3\*4 \<x>"]),
    (("word " * 23 + "abc", "- it is 1", "- it is 2"), ["word " * 23 + "abc", "- it is 1", "- it is 2"]),
    (("word " * 23 + "abcd - and",), [("word " * 23 + "abcd"), r"\- and"]),
    (("word " * 23 + "abcd 12. and",), [("word " * 23 + "abcd"), r"12\. and"]),
])
def test_a_comment_stays_what_it_is_in_markdown(lines, expected):
    """Would catch: an asterisk that makes half a page italic, a minus at a line's start that begins a list."""
    assert markdown_paragraph(lines) == expected


def test_a_program_that_does_not_answer_is_told_with_a_remedy(tmp_path):
    """Would catch: a traceback on a checkout that is not built, and a page made from nothing."""
    with pytest.raises(HeapwiseError, match="Build it with `make suite`"):
        ask_program(tmp_path)
    factory.write_program(tmp_path, "echo broken >&2; exit 2")
    with pytest.raises(HeapwiseError, match=r"\(broken\)"):
        ask_program(tmp_path)
    assert [one.name for one in ask_program(factory.write_program(tmp_path)).workloads] == ["small_churn", "large_churn", "producer_consumer"]
