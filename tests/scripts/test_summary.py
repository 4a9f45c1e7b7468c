"""summary.json: what is compared with what, what is counted, and that nothing is invented."""

import json

import factory
import numpy as np
import pytest
from heapwise.records.folder import read_folder
from heapwise.records.metrics import METRICS, derive
from heapwise.commands.summarize import to_json
from heapwise.inference.summary import summarize_folder


def entry(summary, allocator, metric, purpose="comparison", workload="small_churn"):
    return next(c for c in summary["comparisons"] if (c["allocator"], c["metric"], c["purpose"], c["workload"]) ==
                (allocator, metric, purpose, workload))


def test_the_median_and_the_ratio_are_those_of_the_paired_blocks(small_folder):
    """Would catch: allocators or blocks exchanged on the way from the records to the summary."""
    comparison = entry(summarize_folder(read_folder(small_folder)), "jemalloc", "wall_per_operation_ns")
    times = {(r["cell"]["allocator"], r["block"]): r["metrics"]["wall_per_operation_ns"] for r in factory.read_records(small_folder)}
    logs = np.array([np.log(times["jemalloc", b] / times["glibc", b]) for b in range(8)])
    means = [(a + b) / 2 for i, a in enumerate(logs) for b in logs[i:]]
    assert comparison["ratio"] == pytest.approx(np.exp(np.median(means)))
    assert comparison["median"] == pytest.approx(np.median([times["jemalloc", b] for b in range(8)]))
    assert comparison["baseline_median"] == pytest.approx(np.median([times["glibc", b] for b in range(8)]))


def test_failed_runs_are_counted_and_never_averaged_in(tmp_path):
    """Would catch: the mean of five runs and three crashes."""
    flaky = factory.Behaviour(time_ns=40, noise=0.0, fails=lambda _, block: ("crashed", "") if block < 3 else None)
    folder = factory.write_folder(tmp_path / "f", [factory.GroupPlan("w", {"glibc": factory.Behaviour(noise=0.0), "x": flaky}, blocks=12)])
    summary = summarize_folder(read_folder(folder))
    comparison = entry(summary, "x", "wall_per_operation_ns", workload="w")
    assert (comparison["blocks_count"], comparison["failed_count"]) == (9, 3)
    assert comparison["ratio"] == pytest.approx(2.0) and comparison["verdict"] == "worse"
    runs = summary["groups"][0]["allocators"][1]
    assert runs["statuses"] == {"crashed": 3, "ok": 9} and runs["status_text"] == "3 of 12 crashed (signal 11)"


def test_a_failing_baseline_takes_its_blocks_out_of_every_comparison(tmp_path):
    """Would catch: a candidate compared with a baseline of other blocks."""
    base = factory.Behaviour(fails=lambda _, block: ("timed_out", "") if block == 0 else None)
    folder = factory.write_folder(tmp_path / "f", [factory.GroupPlan("w", {"glibc": base, "x": factory.Behaviour()})])
    comparison = entry(summarize_folder(read_folder(folder)), "x", "wall_per_operation_ns", workload="w")
    assert (comparison["blocks_count"], comparison["failed_count"], comparison["verdict"]) == (7, 0, None)


def test_an_allocator_that_always_fails_has_no_data(bench_summary):
    """Would catch: a missing library with figures, or missing from the table."""
    comparison = entry(bench_summary, "tbbmalloc", "wall_per_operation_ns")
    assert comparison["verdict"] == "no_data" and comparison["failed_count"] == 8
    assert all(comparison[name] is None for name in ("median", "ratio", "difference", "p_value", "p_adjusted"))


def test_resident_memory_is_growth_over_the_start(bench_summary):
    """Would catch: the harness's tables and start-up pools blamed on the allocator."""
    comparison = entry(bench_summary, "jemalloc", "rss_peak_growth_bytes")
    assert comparison["baseline_median"] == pytest.approx(64 * factory.MIB, rel=0.02)
    assert comparison["ratio"] == pytest.approx(74 / 64, rel=0.02) and comparison["verdict"] is None


def test_derived_metrics_are_per_operation_and_missing_parts_stay_missing():
    """Would catch: a count divided by the wrong number, or an absent count read as 0."""
    counts = {f"{call}_count": number for call, number in zip(("brk", "mmap", "munmap", "madvise", "mremap"), (1, 2, 3, 4, 10))}
    values = derive({**counts, "minor_faults_count": 50, "slice_ns": [1.0]}, {"operations_count": 10})
    assert values["system_calls_per_operation"] == 2.0 and values["minor_faults_per_operation"] == 5.0
    assert "slice_ns" not in values and "rss_peak_growth_bytes" not in values
    assert "system_calls_per_operation" not in derive({"brk_count": 1}, {"operations_count": 10})
    assert "minor_faults_per_operation" not in derive({"minor_faults_count": 1}, {"operations_count": 0})


SPLIT = {"rss_before_bytes": 100, "live_bytes": 1000, "usable_bytes": 1200, "rss_end_bytes": 2100}


def test_what_lies_above_the_live_bytes_is_split_without_remainder():
    """Would catch: memory that is counted twice, or in no part, or an allocator's start-up memory in one of them."""
    values = derive({**SPLIT, "rss_released_bytes": 1700, "rss_empty_bytes": 350}, {})
    parts = [values[name] for name in ("live_bytes", "fragmentation_internal_bytes", "fragmentation_external_bytes", "unreturned_bytes")]
    assert parts == [1000, 200, 400, 400] and sum(parts) == values["rss_end_growth_bytes"]
    assert values["rss_empty_growth_bytes"] == 250 and "external_or_unreturned_bytes" not in values


def test_without_a_release_external_and_unreturned_are_one_figure():
    """Would catch: all that lies above the live bytes called fragmentation, because nobody asked for it back."""
    values = derive(SPLIT, {})
    assert values["fragmentation_internal_bytes"] == 200 and values["external_or_unreturned_bytes"] == 800
    assert not {"fragmentation_external_bytes", "unreturned_bytes", "rss_empty_growth_bytes"} & values.keys()
    assert not [name for name in derive({"rss_before_bytes": 1, "rss_end_bytes": 2}, {}) if "external" in name]


def test_the_summary_is_json_without_nan(bench_folder, bench_summary):
    """Would catch: NaN or Infinity, which other JSON readers refuse."""
    def refuse(constant):
        raise AssertionError(constant)

    json.loads(to_json(bench_summary), parse_constant=refuse)
    with pytest.raises(ValueError):
        to_json({"x": float("nan")})


def test_the_same_folder_gives_the_same_summary(bench_folder, bench_summary):
    """Would catch: chance or the clock in the inference."""
    assert to_json(summarize_folder(read_folder(bench_folder))) == to_json(bench_summary)


def test_own_costs_come_from_the_null_allocator_and_are_not_compared(bench_summary):
    """Would catch: the null allocator winning the comparison."""
    costs = {cost["workload"]: cost["wall_per_operation_ns"] for cost in bench_summary["own_costs"]}
    assert set(costs) == {"small_churn", "producer_consumer"} and all(2 < cost < 6 for cost in costs.values())
    assert all(c["allocator"] != "null" and c["purpose"] != "own_cost" for c in bench_summary["comparisons"])


def test_p_is_adjusted_over_comparisons_of_one_purpose_only(bench_summary):
    """Would catch: a sweep of twenty settings that drowns the comparison, or no adjustment at all."""
    from heapwise.inference.statistics import benjamini_hochberg
    for purpose in ("comparison", "sweep"):
        tested = [c for c in bench_summary["comparisons"] if c["purpose"] == purpose and c["p_value"] is not None]
        assert [c["p_adjusted"] for c in tested] == pytest.approx(benjamini_hochberg([c["p_value"] for c in tested]))


def test_every_metric_is_listed_once_for_its_pass():
    """Would catch: two classes or bands for one metric."""
    keys = [(metric.name, metric.pass_name) for metric in METRICS]
    assert len(keys) == len(set(keys))
    assert all((metric.metric_class == "exact") == (metric.band == 0) for metric in METRICS)


def test_a_folder_without_blocks_has_a_summary_that_says_so(small_folder):
    """Would catch: a traceback, or a table of nothing that looks like a result."""
    (small_folder / "runs.jsonl").write_text("")
    summary = summarize_folder(read_folder(small_folder))
    assert summary["comparisons"] == [] and any("no block is complete" in note for note in summary["notes"])
