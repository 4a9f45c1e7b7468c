// The conversation with one heapwise-worker, as docs/protocols.md has it:
//
//     Worker → becomes_ready() → go() → [take_turn() for each slice] → hear_figures() → finish()
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/run/child.h"
#include "bench/run/outcome.h"

namespace heapwise {

struct WorkerCall {
  std::string launcher;
  std::string worker;
  bool traces_system_calls = false;
  std::string cgroup_procs;  // as in RunRequest
  std::vector<std::string> environment;
  Json cell_line;  // line 1
  Nanoseconds timeout;
};

struct WorkerEnd {
  ChildEnd child;
  WorkerAnswer answer;
  Json identity = Json::object();
  Nanoseconds ready_after;  // since it was started; 0: it never was
};

/// A running worker. A step that returns false did not take place, and only finish() is left to be
/// called: whatever the worker does comes back as an ending. RunError is thrown only when it cannot
/// be started at all.
class Worker {
 public:
  /// Starts it and hands it the cell. `interrupt` must outlive it.
  Worker(const WorkerCall& call, Interrupt& interrupt);
  ~Worker();

  /// Waits until it has warmed up.
  bool becomes_ready();
  /// Lets it go.
  bool go();
  /// Of a worker in lockstep: lets it run its next slice and waits for its end.
  bool take_turn();
  void hear_figures();
  /// Waits for its end; ends one that still waits for a word. To be called once.
  WorkerEnd finish();

 private:
  struct Connection;

  Interrupt& interrupt_;
  std::unique_ptr<Connection> connection_;
  WorkerEnd end_;
};

/// One worker from its start to its end.
WorkerEnd run_worker(const WorkerCall& call, Interrupt& interrupt);

}  // namespace heapwise
