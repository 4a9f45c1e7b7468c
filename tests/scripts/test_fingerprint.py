"""Which classes of metric two environments allow to compare, and how the refusal reads."""

from dataclasses import asdict

import factory
import pytest
from heapwise.records.fingerprint import conditions_of, library_notes, refusal_lines, refusals, same_library
from heapwise.records.schema import load_schema

ALIKE = factory.ENVIRONMENT
CLASSES = ("exact", "near_exact", "noisy")


def refused_classes(**changes):
    return tuple(dict.fromkeys(one.metric_class for one in refusals(ALIKE, {**ALIKE, **changes})))


def lines(baseline, candidate):
    return refusal_lines([asdict(one) for one in refusals(baseline, candidate)])


def test_like_environments_refuse_nothing():
    """Would catch: two folders of one machine that can never be compared."""
    assert refusals(ALIKE, dict(ALIKE)) == ()


@pytest.mark.parametrize("changes", [{"libc": "glibc 9"}, {"isa": "aarch64"},
                                     {"libraries": {"libc.so.6": "c1", "libstdc++.so.6": "57d0"}}])
def test_other_libraries_or_instructions_refuse_everything(changes):
    """Would catch: system calls of two C libraries compared."""
    assert refused_classes(**changes) == CLASSES


@pytest.mark.parametrize("changes", [{"page_bytes": 65536}, {"thp": "always"}, {"overcommit": 2},
                                     {"swap_bytes": 1 << 30}, {"cpus_count": 64}])
def test_another_way_to_give_pages_leaves_only_system_calls(changes):
    """Would catch: the faults of 4 KiB pages set against those of huge pages."""
    assert refused_classes(**changes) == CLASSES[1:]


@pytest.mark.parametrize("field", ["hostname_hash", "cpu_model", "memory_bytes", "kernel", "governor", "virtualized",
                                   "compiler", "compiler_flags", "build_type"])
def test_another_machine_or_build_refuses_time_alone(field):
    """Would catch: times of two machines compared, or their counts refused for nothing."""
    assert refused_classes(**{field: 1 if field == "memory_bytes" else "another"}) == ("noisy",)


def test_every_recorded_field_is_judged():
    """Would catch: a field added to the manifest that no comparison looks at."""
    properties = load_schema()["$defs"]["environment"]["properties"]
    other = {"page_bytes": 1, "memory_bytes": 1, "cpus_count": 1, "swap_bytes": 5, "libraries": {}}
    assert [name for name in properties if not refused_classes(**{name: other.get(name, "another")})] == []


def limited(**limit):
    return conditions_of({"environment": ALIKE, **limit})


def test_another_memory_limit_leaves_only_system_calls():
    """Would catch: the time and faults of a run at its limit set against those of one without, and an old folder, which
    had none, refused for not saying so."""
    found = refusals(limited(memory_limit_bytes=1 << 28), limited(memory_limit_bytes=None))
    assert {(one.metric_class, one.baseline, one.candidate) for one in found} == {
        ("near_exact", 1 << 28, "none"), ("noisy", 1 << 28, "none")}
    assert refusals(limited(memory_limit_bytes=1 << 28), limited(memory_limit_bytes=1 << 28)) == ()
    assert refusals(limited(), limited(memory_limit_bytes=None)) == ()
    assert refusal_lines([asdict(one) for one in found]) == [
        "faults, memory and time are not compared: memory_limit_bytes is 268435456 in A and 'none' in B; "
        "measure both under one memory limit"]


def test_how_much_swap_there_is_does_not_matter():
    """Would catch: a refusal for a swap file that was made larger."""
    assert refusals({**ALIKE, "swap_bytes": 1 << 30}, {**ALIKE, "swap_bytes": 2 << 30}) == ()


def test_a_number_and_its_text_are_one_value():
    """Would catch: overcommit 0 and '0' taken for two modes."""
    assert refusals({**ALIKE, "overcommit": "0"}, {**ALIKE, "overcommit": 0}) == ()


def test_what_only_one_folder_knows_is_unlike_and_what_none_knows_is_alike():
    """Would catch: an old folder that passes as measured on the same libraries."""
    old = {name: value for name, value in ALIKE.items() if name not in ("isa", "libraries")}
    assert refusals(old, dict(old)) == ()
    assert {one.field for one in refusals(old, ALIKE)} == {"isa", "libraries"}
    assert lines(old, ALIKE) == ["system calls, faults, memory and time are not compared: isa is not recorded in A; "
                                 "libraries is not recorded in A; measure both with this heapwise"]


def test_the_library_that_differs_is_named():
    """Would catch: "libraries differ", with two dictionaries to search."""
    found = refusals(ALIKE, {**ALIKE, "libraries": {"libc.so.6": "c1", "libstdc++.so.6": "57d0"}})
    assert {(one.field, one.baseline, one.candidate) for one in found} == {("libraries.libc.so.6", "c0", "c1")}


def test_a_field_is_said_once_with_both_values_and_what_to_do():
    """Would catch: the same field three times, once for each class, or a refusal that leaves the user alone."""
    other = {**ALIKE, "cpu_model": "Y", "kernel": "Linux 1", "thp": None, "libc": "glibc 9"}
    assert lines(ALIKE, other) == [
        "system calls, faults, memory and time are not compared: libc is 'glibc 0.0' in A and 'glibc 9' in B; "
        "measure both with one build of heapwise on the same libraries",
        "faults, memory and time are not compared: thp is not recorded in B; measure both with this heapwise",
        "time is not compared: cpu_model is 'Synthetic CPU' in A and 'Y' in B; kernel is 'Linux 0.0 (synthetic)' in A "
        "and 'Linux 1' in B; measure both on one machine"]


def test_an_allocator_of_another_build_is_said_and_one_elsewhere_is_not_called_another():
    """Would catch: the subject of a comparison refused, or a rebuilt library that nobody notices."""
    before = {"spec": "x", "name": "x", "library_path": "/a/x.so", "build_id": "0123456789abcdef", "version": "1"}
    rebuilt = {**before, "build_id": "fedcba9876543210"}
    moved = {**before, "library_path": "/b/x.so"}
    assert library_notes([before], [dict(before)]) == [] and library_notes([before], [{**before, "spec": "y"}]) == []
    assert library_notes([before], [rebuilt]) == [
        "x is another build: /a/x.so (version 1, build id 0123456789ab) -> /a/x.so (version 1, build id fedcba987654)"]
    assert library_notes([before], [moved])[0].startswith("x lies elsewhere: /a/x.so")


def test_libraries_without_a_build_id_are_told_apart_by_path_and_version():
    """Would catch: two unknown libraries taken for one because both lack an id."""
    assert same_library({"library_path": "/a"}, {"library_path": "/a"})
    assert not same_library({"library_path": "/a"}, {"library_path": "/b"})
    assert not same_library({"library_path": "/a", "build_id": "1"}, {"library_path": "/a"})
