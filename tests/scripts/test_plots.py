"""Pictures: that each kind is drawn, that nothing overlaps by construction, that data is merged rightly."""

import xml.etree.ElementTree as xml

import factory
import numpy as np
import pytest
from heapwise.records.folder import read_folder
from heapwise.output.palette import style_of
from heapwise.labels import slug
from heapwise.output.plots import draw_all, pictures
from heapwise.output.plots.data import (comparison_views, over_time_data, percentile_data, split_data, timeline_data,
                                        without_negatives)
from heapwise.output.plots.figure import close, spread
from heapwise.inference.summary import summarize_folder


def runs_of(folder, pass_name):
    return next(r for r in read_folder(folder).groups if r.group.cell.pass_name == pass_name and r.group.purpose == "comparison")


def test_every_kind_of_picture_is_drawn_and_is_a_whole_svg(bench_folder, bench_summary, try_folder, try_summary, tmp_path):
    """Would catch: a kind of picture that is missing without a word, or an empty file."""
    files = draw_all(read_folder(bench_folder), bench_summary, tmp_path) + draw_all(read_folder(try_folder), try_summary, tmp_path)
    names = {file.stem for file in files}
    assert {"throughput", "time-against-memory", "faults-and-system-calls", "fragmentation", "latency-small-churn", "memory-small-churn",
            "latency-producer-consumer-2-threads", "wall-time", "peak-memory"} <= names
    assert any(name.startswith("sweep-large-churn") for name in names)
    assert all(xml.parse(file).getroot().tag.endswith("svg") for file in files)


def test_programs_have_their_pictures(program_folder, program_summary, tmp_path):
    """Would catch: a program without its memory over time, a user's metric that is never drawn."""
    names = {file.stem for file in draw_all(read_folder(program_folder), program_summary, tmp_path)}
    assert names == {"wall-time", "peak-memory", "program-time-against-memory", "metric-rps",
                     *(f"over-time-{name}" for name in ("store", "compiler", "database", "interpreter"))}


def test_the_line_over_time_is_that_of_the_run_of_median_length(program_folder):
    """Would catch: the longest run, or always the first, shown as if it were typical."""
    runs = next(r for r in read_folder(program_folder).groups if r.group.cell.pass_name == "command")
    line = next(line for line in over_time_data(runs).lines if line.spec == "jemalloc")
    lengths = sorted(record.timeline["elapsed_ns"][-1] for record in runs.records("jemalloc"))
    assert line.elapsed_seconds[-1] * 1e9 == pytest.approx(lengths[3])
    assert over_time_data(runs).missing == ("tbbmalloc",)


def test_a_run_that_did_other_work_has_no_line(tmp_path):
    """Would catch: the small memory of a program that stopped early."""
    behaviours = {"glibc": factory.Behaviour(tree_bytes=1 << 26),
                  "x": factory.Behaviour(tree_bytes=1 << 26, output=lambda block: "other"),
                  "short": factory.Behaviour(tree_bytes=1 << 26, time_ns=1.5, noise=0.0)}
    plan = factory.GroupPlan("command", behaviours, "command", 4, "command", parameters={"command": "./service"})
    data = over_time_data(read_folder(factory.write_folder(tmp_path / "f", [plan], kind="try")).groups[0])
    assert [line.spec for line in data.lines] == ["glibc"] and data.missing == ("x", "short")


def test_many_programs_stand_in_a_grid_as_wide_as_it_is_readable(tmp_path):
    """Would catch: an overview of fifteen programs as high as a tower."""
    behaviours = {name: factory.Behaviour(tree_bytes=1 << 26) for name in ("glibc", "jemalloc", "mimalloc")}
    plans = [factory.GroupPlan(f"apps/p{number}", behaviours, "command", 2, "command", parameters={"command": f"p{number}"})
             for number in range(15)]
    folder = read_folder(factory.write_folder(tmp_path / "f", plans))
    makers = dict(pictures(folder, summarize_folder(folder)))
    for name in ("wall-time", "peak-memory", "program-time-against-memory"):
        figure = makers[name]()
        width, height = figure.get_size_inches()
        assert len({panel.get_subplotspec().colspan.start for panel in figure.axes}) == 3 and height < 1.5 * width
        close(figure)


def test_an_overview_of_many_cells_is_no_tower_and_its_titles_stay_apart(tmp_path):
    """Would catch: a README picture of thirty cells beneath each other, and names that run into the neighbour's."""
    behaviours = {name: factory.Behaviour() for name in ("glibc", "jemalloc", "mimalloc", "scudo")}
    plans = [factory.GroupPlan(f"workload_{number}", behaviours, "throughput", 2, threads=4,
                               spec=f"workload_{number}:producers=2,consumers=2,operations=5") for number in range(30)]
    folder = read_folder(factory.write_folder(tmp_path / "f", plans))
    figure = dict(pictures(folder, summarize_folder(folder)))["throughput"]()
    width, height = figure.get_size_inches()
    assert height < 1.7 * width
    figure.canvas.draw()
    rows = {}
    for panel in figure.axes:
        if panel.get_visible():
            rows.setdefault(panel.get_subplotspec().rowspan.start, []).append(panel)
    for panels in rows.values():
        for left, right in zip(panels, panels[1:]):
            assert left._left_title.get_window_extent().x1 < right._left_title.get_window_extent().x0
    close(figure)


def test_the_same_data_gives_the_same_picture(try_folder, try_summary, tmp_path):
    """Would catch: pictures that change in git although nothing was measured."""
    first, second = (draw_all(read_folder(try_folder), try_summary, tmp_path / name, png=True) for name in "ab")
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


def test_pictures_of_a_folder_full_of_failures_are_drawn(tmp_path):
    """Would catch: a traceback at the end of a campaign in which one library was broken."""
    behaviours = {"glibc": factory.Behaviour(fails=factory.fails_always("timed_out")),
                  "x": factory.Behaviour(fails=factory.fails_always("crashed"))}
    folder = factory.write_folder(tmp_path / "f", factory.comparison_groups("w", {}, behaviours))
    read = read_folder(folder)
    draw_all(read, summarize_folder(read), tmp_path / "plots")
    (folder / "runs.jsonl").write_text("")
    empty = read_folder(folder)
    draw_all(empty, summarize_folder(empty), tmp_path / "plots")


def test_merged_percentiles_are_those_of_all_calls_together(bench_folder):
    """Would catch: a mean of percentiles, which is none."""
    runs = runs_of(bench_folder, "latency")
    data = percentile_data(runs, "allocate")
    curve = next(c for c in data.curves if c.spec == "glibc")
    calls = np.concatenate([np.repeat([b[0] for b in r.histograms["allocate_ns"]], [b[1] for b in r.histograms["allocate_ns"]])
                            for r in runs.records("glibc")])
    for nines in (0.5, 1.0, 2.0, 3.0):
        index = int(np.argmin(np.abs(curve.nines - nines)))
        expected = np.sort(calls)[int((1 - 10.0 ** -curve.nines[index]) * calls.size)]
        assert curve.values_ns[index] == pytest.approx(expected)
    assert data.calls_count == calls.size == 160_000


def test_no_percentile_is_drawn_that_few_calls_carry(bench_folder):
    """Would catch: a p99.9999 of a hundred thousand calls."""
    curve = percentile_data(runs_of(bench_folder, "latency"), "allocate").curves[0]
    assert curve.nines[-1] == pytest.approx(np.log10(160_000 / 10))
    assert np.isnan(curve.low_ns[-1]), "one block alone reaches less far"


def test_a_crashed_allocator_has_no_curve(bench_folder):
    """Would catch: a curve at zero."""
    assert "mine" not in {c.spec for c in percentile_data(runs_of(bench_folder, "latency"), "allocate").curves}


def test_timelines_are_growth_with_the_live_bytes_as_measured(bench_folder):
    """Would catch: start-up memory in one line and not in the other."""
    data = timeline_data(runs_of(bench_folder, "memory"))
    assert all(line.rss_bytes[0] == 0 for line in data.lines)
    assert data.live_bytes.max() < min(line.rss_bytes.max() for line in data.lines)


def test_the_bars_of_a_split_end_at_the_growth_of_rss(bench_summary):
    """Would catch: a part that is drawn twice or left out, one allocator's parts in another's bar."""
    view = next(view for view in comparison_views(bench_summary) if "fragmentation" in view.groups)
    data = split_data(view, view.title)
    for split in data.splits:
        medians = view.runs("fragmentation", split.spec)["medians"]
        assert sum(split.parts.values()) == pytest.approx(medians.get("rss_end_growth_bytes", 0), rel=1e-3)
    by_spec = {split.spec: split for split in data.splits}
    assert list(by_spec["mine"].parts)[-1] == "external_or_unreturned_bytes" and by_spec["mine"].empty_bytes is None
    assert by_spec["tbbmalloc"].parts == {} and by_spec["tbbmalloc"].words.startswith("library missing")


def test_a_part_below_zero_shortens_those_before_it():
    """Would catch: usable bytes that were never written drawn as memory that is resident."""
    assert without_negatives({"a": 80.0, "b": 40.0, "c": -30.0, "d": 10.0}) == {"a": 80.0, "b": 10.0, "c": 0.0, "d": 10.0}
    assert without_negatives({"a": 80.0, "b": 10.0, "c": -30.0}) == {"a": 60.0, "b": 0.0, "c": 0.0}


def test_labels_keep_their_distance_and_their_order():
    """Would catch: names of two lines printed over each other."""
    places = spread([0.1, 0.1, 0.1, 0.9], [0.1] * 4)
    assert np.diff(places).min() >= 0.1 - 1e-9 and places == sorted(places)
    assert np.mean(places[:3]) == pytest.approx(0.1) and places[3] == pytest.approx(0.9)


def test_known_allocators_differ_in_colour_and_marker():
    """Would catch: two allocators that a colour-blind reader cannot tell apart."""
    names = ("glibc", "refmalloc", "jemalloc", "tcmalloc", "tcmalloc_full", "mimalloc", "tbbmalloc", "scudo")
    styles = [style_of(name) for name in names]
    assert len({(s.colour, s.line) for s in styles}) == len(names) and len({s.marker for s in styles}) == len(names)


def test_a_style_depends_on_the_spec_alone():
    """Would catch: a colour that changes with the number of allocators."""
    assert style_of("mine=./a.so") == style_of("mine=./a.so") and style_of("mine=./a.so") == style_of("mine=/b/c.so")
    tuned = style_of("glibc:top_pad=1M")
    assert tuned.colour == style_of("glibc").colour and not tuned.filled and tuned.line != "-"


def test_long_cell_names_give_short_and_distinct_files():
    """Would catch: one picture overwritten by another."""
    names = [slug("w " + "x" * 100 + end) for end in ("a", "b")]
    assert names[0] != names[1] and all(len(name) <= 80 for name in names)
