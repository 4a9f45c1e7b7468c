// The table allocator x mechanism: what each allocator does, seen from outside by the experiments
// mechanism_* in fresh processes under it. No figure is quoted, and none is of one allocator's own
// counting.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "bench/core/spec.h"
#include "bench/run/interrupt.h"
#include "bench/run/json.h"
#include "bench/run/parts.h"

namespace heapwise {

/// Told before each experiment: what is tried, how many of how many are done.
using MechanismProgress =
    std::function<void(const std::string& doing, std::size_t done, std::size_t planned)>;

/// Measures every mechanism under every allocator of `specs`, in about 15 s for one and 30 s for
/// seven: the ten-second waits run side by side. `keep` as in child_environment. The result is null
/// after Ctrl-C, else (results/schema.json has the fields)
///
///     {"schema_version": 1,
///      "environment": {...},                         // of the machine, as in a manifest
///      "allocators": [{"spec": "a",
///                      "library": "liba.so.2", "version": "1.2",
///                      "missing": ""}],              // else why it has no figures, what to
///                      install
///      "mechanisms": [{"id": "overhead",
///                      "title": "...", "how": "...", // what the figures are, how they come about
///                      "summary": {"a": "8.0 / 12.1 / 8.4 B"},  // by spec; of the missing: none
///                      "lines": [{"label": "malloc(100)", "cells": {"a": "12.1 / 108"}}],
///                      "notes": ["a: what it wrote when it aborted, or why a cell failed"]}],
///      "figures": {"a": {"mechanism_overhead":       // by spec and experiment: all that was told
///                            {"values": {"x_bytes": 1}, "texts": {"y": "abort"},
///                             "curves": {"resident_bytes": {"100": 112.1}}}}}}
///
/// Throws UsageError as resolve_allocator does, and RunError where experiments cannot be started.
Json measure_mechanisms(const std::vector<Spec>& specs, const Parts& parts,
                        const std::vector<std::string>& keep, Interrupt& interrupt,
                        const MechanismProgress& progress);

/// The result for a terminal, allocators as columns, at most `columns` wide (more make fewer tables
/// beneath each other): a row for each mechanism, or, with `every_line`, all its lines and notes.
std::string mechanisms_table(const Json& document, std::size_t columns, bool every_line);

}  // namespace heapwise
