#include "bench/worker/request_watch.h"

namespace heapwise {

RequestWatch::RequestWatch(unsigned threads_count, std::size_t slices_count)
    : recorders_(threads_count), figures_(std::make_unique<RequestFigures>()) {
  for (auto& recorder : recorders_) pacers_.push_back(&recorder);
  figures_->tail.reserve(slices_count);
}

void RequestWatch::slice_ended(std::uint64_t operations_count) {
  if (recorders_.size() > 1) return;
  auto& recorder = recorders_.front();
  const auto& window = recorder.window();
  figures_->tail.push_back({operations_count, window.quantile(0.5), window.quantile(0.99),
                            window.quantile(0.999), window.largest()});
  recorder.next_window();
}

std::unique_ptr<RequestFigures> RequestWatch::take_figures() {
  for (const auto& recorder : recorders_) figures_->responses.merge(recorder.responses());
  return std::move(figures_);
}

}  // namespace heapwise
