// The conversation with one heapwise-worker, as docs/protocols.md has it: cell, ready, go, figures.
#pragma once

#include <string>
#include <vector>

#include "bench/run/child.h"
#include "bench/run/outcome.h"

namespace heapwise {

struct WorkerCall {
  std::string launcher;
  std::string worker;
  bool traces_system_calls = false;
  std::vector<std::string> environment;
  Json cell_line;  // line 1
  Nanoseconds timeout;
};

struct WorkerEnd {
  ChildEnd child;
  WorkerAnswer answer;
  Json identity = Json::object();
};

/// Starts a worker, hands it the cell and lets it go. Whatever the worker does comes back as an
/// ending; RunError is thrown only when it cannot be started at all.
WorkerEnd run_worker(const WorkerCall& call, Interrupt& interrupt);

}  // namespace heapwise
