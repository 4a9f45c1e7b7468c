"""Numbers and names as people read them."""

import pytest
from heapwise import labels


@pytest.mark.parametrize("value, text", [(0, "0"), (0.9996, "1.00"), (12.345, "12.3"), (1234.5, "1234"), (0.0312, "0.0312"), (-5.5, "-5.50")])
def test_numbers_have_three_significant_digits(value, text):
    """Would catch: 1.000 beside 1.00, or digits that were not measured."""
    assert labels.significant(value) == text


@pytest.mark.parametrize("value, text", [(0, "0 B"), (512, "512 B"), (1024, "1.00 KiB"), (1048575, "1.00 MiB"), (3 << 40, "3.00 TiB"), (-2048, "-2.00 KiB")])
def test_memory_is_in_binary_units(value, text):
    """Would catch: 1024 KiB, or MB and MiB mixed."""
    assert labels.memory(value) == text


@pytest.mark.parametrize("value, text", [(0.0004, "<0.001"), (0, "0"), (256, "256"), (0.15, "0.150"), (15000, "15,000"), (2.5e6, "2.50M"), (12345.6, "12.3k")])
def test_counts_show_that_few_is_not_none(value, text):
    """Would catch: a rare fault printed as 0."""
    assert labels.count(value) == text


@pytest.mark.parametrize("value, text", [(1.0, "1.00×"), (9.996, "10.0×"), (99.96, "100×"), (0.05, "0.05×"), (0.004, "0.0040×"), (36900, "36.9k×")])
def test_ratios_keep_their_digits_at_every_size(value, text):
    """Would catch: 0.00× for a thousandth."""
    assert labels.ratio(value) == text


def test_sizes_are_read_and_written_in_the_grammar_of_specs():
    """Would catch: 128K read as 128, which is what glibc does."""
    assert [labels.parse_scaled(text) for text in ("128K", "32M", "1G", "131072", "x", "")] == [131072, 32 << 20, 1 << 30, 131072, None, None]
    assert [labels.scaled(value) for value in (131072, 100, True, "lifo", 0)] == ["128K", "100", "True", "lifo", "0"]


def test_a_spec_is_name_and_settings_without_its_path():
    """Would catch: a path with a colour of its own, or a setting lost."""
    assert labels.parse_spec("glibc:mmap_threshold=2M,top_pad=64M") == ("glibc", {"mmap_threshold": "2M", "top_pad": "64M"})
    assert labels.parse_spec("mine=./libmine.so:x=1") == ("mine", {"x": "1"})


def test_a_cell_is_named_by_the_spec_one_would_type():
    """Would catch: two cells of one name in a picture, or a title that hides the threads."""
    parameters = {"size": 1024, "live": 10}
    assert labels.cell("w", parameters, 1, "w:size=1K") == "w:size=1K"
    assert labels.cell("w", parameters, 2, "w:size=1K") == "w:size=1K, 2 threads"
    assert labels.cell("w", parameters, 1) == "w live=10 size=1K, 1 thread"
    assert labels.cell("w", {"size": 1024, "order": "fifo"}, 1) == "w order=fifo size=1K, 1 thread"
    assert labels.cell("command", {"command": "sort x"}, 1, "sort x") == "sort x"


def test_a_status_says_what_is_known_of_it():
    """Would catch: `crashed` without the signal, a missing library without what to install."""
    assert labels.status_words("crashed", "ended by SIGSEGV", 11) == "crashed (signal 11)"
    assert labels.status_words("library_missing", "install libx") == "library missing: install libx"
    assert labels.status_text(["a", "b", "a"], 4) == "2 of 4 a; 1 of 4 b"
    assert labels.status_text([], 4) is None and labels.status_text(["a"] * 4, 4) == "a"
