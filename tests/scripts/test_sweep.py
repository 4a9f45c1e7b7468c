"""The threshold sweep: its rows, its reading, its maps."""

import factory
from heapwise.records.folder import read_folder
from heapwise.output.plots.threshold_sweep import threshold_maps, top_pad_maps
from heapwise.inference.summary import summarize_folder
from heapwise.inference.sweep import reading


def row(settings, time, rss, **more):
    name = "glibc:" + ",".join(f"{k}={v}" for k, v in settings.items()) if settings else "glibc"
    return {"allocator": name, "settings": settings, "wall_per_operation_ns": time, "rss_peak_growth_bytes": rss,
            "minor_faults_per_operation": 0.0, "system_calls_per_operation": 0.0, "status_text": None, "blocks_count": 8, **more}


def test_the_passes_of_a_setting_are_one_row(bench_summary):
    """Would catch: the time of one setting beside the memory of another."""
    rows = {one["allocator"]: one for one in bench_summary["sweeps"][0]["rows"]}
    assert len(rows) == len(factory.sweep_behaviours())
    slow = rows["glibc:mmap_threshold=128K,trim_threshold=4M"]
    assert slow["settings"] == {"mmap_threshold": "128K", "trim_threshold": "4M"}
    assert round(slow["minor_faults_per_operation"]) == 256 and slow["system_calls_per_operation"] == 2 and slow["ratio"] > 100


def test_settings_are_in_the_order_of_their_sizes_after_the_installed_one(bench_summary):
    """Would catch: 128K after 1M because it sorts so as text."""
    rows = bench_summary["sweeps"][0]["rows"]
    assert rows[0]["allocator"] == "glibc"
    thresholds = [one["settings"]["mmap_threshold"] for one in rows if "mmap_threshold" in one["settings"]]
    assert list(dict.fromkeys(thresholds)) == ["128K", "1M", "4M", "64M"]


def test_the_reading_names_what_is_near_the_best_and_what_it_costs():
    """Would catch: a sentence that recommends a slow setting or hides the memory."""
    rows = [row({}, 300.0, 1 << 20), row({"mmap_threshold": "1M"}, 1000.0, 1 << 20), row({"top_pad": "64M"}, 100.0, 64 << 20),
            row({"mmap_threshold": "64M"}, 105.0, 2 << 20)]
    text = reading(rows, "glibc")
    assert text == ("Within 10 % of the best time (100 ns an operation) are mmap_threshold=64M and top_pad=64M, at a peak RSS of "
                    "2.00 MiB to 64.0 MiB; as installed takes 300 ns at 1.00 MiB, 3 times the best.")


def test_the_reading_of_a_sweep_that_failed_says_so():
    """Would catch: a minimum over nothing."""
    failed = row({}, None, None, status_text="crashed")
    assert "no answer" in reading([failed], "glibc")
    assert reading([failed, row({"top_pad": "1M"}, 5.0, None)], "glibc") == (
        "Within 10 % of the best time (5.00 ns an operation) is top_pad=1M.")


def test_maps_put_every_setting_in_its_place(bench_summary):
    """Would catch: rows and columns of the picture exchanged."""
    sweep = bench_summary["sweeps"][0]
    time, faults, _ = threshold_maps(sweep)
    assert time.columns == ("not set", "128K", "1M", "4M", "64M") and time.rows == ("not set", "128K", "4M", "1G")
    assert time.installed == (0, 0)
    place = faults.rows.index("128K"), faults.columns.index("64M")
    assert round(faults.values[place[0]][place[1]]) == 224
    assert time.values[0][1] is None and time.words[0][1] == "", "mmap_threshold=128K alone was not planned"
    padded = top_pad_maps(sweep)[0]
    assert padded.columns == ("not set", "1M", "64M") and padded.rows[0] == "thresholds\nnot set"


def test_a_setting_that_failed_shows_its_word_in_the_map(tmp_path):
    """Would catch: a contradicted setting drawn as one that was not planned."""
    behaviours = {"glibc": factory.Behaviour(), "glibc:mmap_threshold=1M": factory.Behaviour(
        fails=factory.fails_always("setting_contradicted", "read back 128K"))}
    folder = factory.write_folder(tmp_path / "s", [factory.GroupPlan("w", behaviours, purpose="sweep")])
    time = threshold_maps(summarize_folder(read_folder(folder))["sweeps"][0])[0]
    assert time.values[0][1] is None and time.words[0][1] == "setting contradicted"
