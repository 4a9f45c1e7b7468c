// The pacers of a cell's threads, and what they have noted: all responses, and slice by slice the
// tail of a workload on one thread.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "bench/probe/request_recorder.h"
#include "bench/worker/figures.h"

namespace heapwise {

class RequestWatch {
 public:
  RequestWatch(unsigned threads_count, std::size_t slices_count);

  std::span<Pacer* const> pacers() const { return pacers_; }
  /// On the thread of that index, at the start of the region.
  void restart(unsigned index) { recorders_[index].restart(); }
  /// Of `operations_count` since the start of the region.
  void slice_ended(std::uint64_t operations_count);
  std::unique_ptr<RequestFigures> take_figures() const;

 private:
  std::vector<TailPoint> tail() const;

  std::deque<RequestRecorder> recorders_;  // one for each thread
  std::vector<Pacer*> pacers_;
  std::vector<std::uint64_t> slice_ends_;  // in operations, of a workload on one thread
};

}  // namespace heapwise
