// What stands in the table of mechanisms: of each the runs it needs and the words for what they
// told.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bench/claims/evidence.h"
#include "bench/claims/experiment_runner.h"

namespace heapwise {

/// What the experiments under one allocator told, by the key of the run.
class Told {
 public:
  std::map<std::string, Evidence> runs = {};
  std::string release_call = {};  // how it is asked to give memory back; "none"

  /// Throws MissingEvidence where that was not run or was refused something.
  const Evidence& of(const std::string& key) const;

  /// The curve's y at x. Throws MissingEvidence where it was not told.
  double at(const std::string& key, const std::string& curve, double x) const;

  /// What NAME_message says, or nothing.
  std::string message(const std::string& key, const std::string& name) const;
};

/// The words of a cell. May throw MissingEvidence.
using MechanismCell = std::function<std::string(const Told& told)>;

struct MechanismLine {
  std::string label;
  MechanismCell cell;
  MechanismCell note =
      {};  // to be told beneath, behind the allocator's name; empty text or function: nothing
};

struct Mechanism {
  std::string_view id;
  std::string title;  // what the figures of the summary are
  std::string how;    // how they come about
  MechanismCell summary;
  std::vector<MechanismLine> lines;
};

/// A run of an experiment under an allocator. One that sleeps most of its time runs beside others.
struct MechanismRun {
  std::string key;
  ExperimentRequest request;
  bool sleeps = false;
};

/// All runs that the mechanisms need, the same for every allocator but for how it is asked to
/// release memory.
std::vector<MechanismRun> mechanism_runs(const ResolvedAllocator& allocator);

/// All of them, in the order of the table.
const std::vector<Mechanism>& all_mechanisms();

/// Of the memory: overhead, mapping, giving back, threads, alignment, contents.
std::vector<Mechanism> memory_mechanisms();

/// Of the conduct: no memory left, mistakes, requests at the edge, fork.
std::vector<Mechanism> conduct_mechanisms();

}  // namespace heapwise
