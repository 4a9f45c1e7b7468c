#include "bench/worker/request_watch.h"

#include "bench/worker/affinity.h"

namespace heapwise {

RequestWatch::RequestWatch(unsigned threads_count, std::size_t slices_count) {
  const auto waiting = threads_count > usable_cpus().size() ? Waiting::kYields : Waiting::kSpins;
  for (unsigned i = 0; i < threads_count; ++i) {
    recorders_.emplace_back(threads_count == 1 ? slices_count : 1, waiting);
    pacers_.push_back(&recorders_.back());
  }
  slice_ends_.reserve(slices_count);
}

void RequestWatch::slice_ended(std::uint64_t operations_count) {
  if (recorders_.size() > 1) return;
  slice_ends_.push_back(operations_count);
  recorders_.front().next_window();
}

std::unique_ptr<RequestFigures> RequestWatch::take_figures() const {
  auto figures = std::make_unique<RequestFigures>();
  for (const auto& recorder : recorders_) figures->responses.merge(recorder.responses());
  figures->tail = tail();
  return figures;
}

std::vector<TailPoint> RequestWatch::tail() const {
  std::vector<TailPoint> points;
  for (std::size_t i = 0; i < slice_ends_.size(); ++i) {
    const auto& window = recorders_.front().windows()[i];
    points.push_back({slice_ends_[i], window.quantile(0.5), window.quantile(0.99),
                      window.quantile(0.999), window.largest()});
  }
  return points;
}

}  // namespace heapwise
