"""A/A simulations with fixed seeds: how often a verdict is claimed where there is nothing."""

import numpy as np
import pytest
from heapwise.records.metrics import Metric
from heapwise.inference.statistics import adjusted, compare, compare_through_baseline, mann_whitney_p

NOISY = Metric("time", "time", "ns", "noisy", "throughput", 0.01)


def autocorrelated(random, runs, correlation=0.9, spread=0.3):
    """Log-normal run times whose noise drifts from run to run, as on a shared host."""
    noise = np.empty(runs)
    noise[0] = random.normal(0, spread)
    for run in range(1, runs):
        noise[run] = correlation * noise[run - 1] + random.normal(0, spread * np.sqrt(1 - correlation ** 2))
    return 100 * np.exp(noise)


def blocks_of_two(random, blocks):
    """The same program as A and B, in random order inside each block."""
    times = autocorrelated(random, 2 * blocks).reshape(blocks, 2)
    swap = random.random(blocks) < 0.5
    return np.where(swap, times[:, 0], times[:, 1]), np.where(swap, times[:, 1], times[:, 0])


@pytest.mark.parametrize("blocks", [8, 10, 16])
def test_verdicts_on_equal_programs_are_as_rare_as_promised(blocks):
    """Would catch: a test that raises 30 % false alarms under autocorrelated noise, as unpaired ones do."""
    random = np.random.default_rng(20 + blocks)
    alarms = [compare(*blocks_of_two(random, blocks), NOISY).verdict in ("better", "worse") for _ in range(3000)]
    assert 0.03 <= np.mean(alarms) <= 0.07


def test_a_whole_table_of_equal_programs_rarely_claims_anything():
    """Would catch: a table of forty comparisons in which two are wrong every time."""
    random = np.random.default_rng(3)
    tables = [adjusted([compare(*blocks_of_two(random, 8), NOISY) for _ in range(40)], [NOISY] * 40) for _ in range(60)]
    wrong = [any(one.verdict in ("better", "worse") for one in table) for table in tables]
    assert np.mean(wrong) <= 0.10


def test_a_real_effect_is_found():
    """Would catch: caution that never finds anything."""
    random = np.random.default_rng(4)
    found = []
    for _ in range(300):
        ours, theirs = blocks_of_two(random, 16)
        found.append(compare(ours * 1.5, theirs, NOISY).verdict == "worse")
    assert np.mean(found) >= 0.9


def sitting(random, blocks, drift):
    """Blocks of an allocator and the baseline on a machine whose mood is its own for the whole sitting."""
    mood = np.exp(random.normal(0, drift))
    ours, baseline = blocks_of_two(random, blocks)
    return mood * ours, mood * baseline


def test_verdicts_between_sittings_are_as_rare_as_promised():
    """Would catch: figures of two folders compared raw, which raises the alarm more often than every fourth time."""
    random = np.random.default_rng(5)
    alarms, raw_alarms = [], []
    for _ in range(2000):
        (before, base_before), (after, base_after) = sitting(random, 8, 0.2), sitting(random, 8, 0.2)
        logs = np.log(after / base_after), np.log(before / base_before)
        alarms.append(compare_through_baseline(*logs, 1.0, 1.0, NOISY).verdict in ("better", "worse"))
        raw_alarms.append(mann_whitney_p(after, before) < 0.05)
    assert 0.03 <= np.mean(alarms) <= 0.07 and np.mean(raw_alarms) >= 0.25


def test_a_real_effect_between_sittings_is_found():
    """Would catch: caution that never finds anything between two folders."""
    random = np.random.default_rng(6)
    found = []
    for _ in range(200):
        (before, base_before), (after, base_after) = sitting(random, 16, 0.2), sitting(random, 16, 0.2)
        logs = np.log(1.5 * after / base_after), np.log(before / base_before)
        found.append(compare_through_baseline(*logs, 1.0, 1.0, NOISY).verdict == "worse")
    assert np.mean(found) >= 0.9
