// long_running
//
// Models: a service over days. Requests come by a daily load curve and make and free their own
// objects; sessions last for heavy-tailed times; a cache of pages fills up, evicts at random and is
// dropped whole when new templates are rolled out (at 10 and 16 o'clock); a cache of rows likewise,
// dropped by the nightly job (at 3), which works on large buffers from 2 to 4; and all sizes drift
// over the day, by a factor of two between 6 and 18 o'clock. A run is four days, so that a quarter
// of it is a day and two quarters can be compared hour by hour.
//
//     0        6        12       18       24
//     ···▂▁▁▁▂▃▄▅▆▇████▇▆▅▄▃▂···      requests
//       ▇▇                            nightly job: large buffers
//        │rows      │pages  │pages    dropped whole
//
// Does not model: threads, reading of what is kept (locality), leaks, a load that grows from day to
// day, idle time (in a closed loop nights are short).
//
// Parameters and their source: the suite's own choice, not taken from a trace. A request has 8
// objects of 16 to 2K and one response of 2K to 64K, all freed at its end, last made first freed;
// it adds a row of 64 to 1K to a cache of `cache`/2 bytes, and one in eight adds a page of 1K to
// 64K to one of `cache` bytes. A session is three objects of 32 to 512 bytes and one of 512 to 8K;
// it lasts for 1K to 1M requests (at most a day), Pareto-distributed with exponent 1, times the
// load at its start, for it lasts for a time and not for a number of requests. During the nightly
// job every 500th request is preceded by a step that makes a buffer of `job`/16 to `job` and frees
// the eighth before it. All sizes log-uniform. Evicting at random is a policy of Redis
// (allkeys-random). The warm-up is a whole day.
//
// How to read the result: by its course. RSS over live bytes at the end of each day, and whether it
// still rises on the last; how much of a cache that was dropped comes back; the open loop's tail,
// hour by hour and day against day. An operation is a request, with about 30 heap calls. In an open
// loop a request is due by the curve, with exponential gaps, at `rate` a second on average;
// dropping a cache and the job's steps come between requests, and whoever is due then waits. In a
// closed loop the same requests come as fast as it goes.

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>
#include <vector>

#include "bench/core/distribution.h"
#include "workloads/daily_load.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr ParameterDescriptor kParameters[] = {
    {"sessions", ParameterUnit::kCount, 8'000, 1, 10'000'000, "sessions alive on average"},
    {"cache", ParameterUnit::kBytes, 32 << 20, 1 << 20, 1ULL << 38,
     "bytes at which the cache of pages is full; that of rows takes half as many"},
    {"job", ParameterUnit::kBytes, 4 << 20, 64 << 10, 1 << 30, "the nightly job's largest buffer"},
    {"rate", ParameterUnit::kCount, 100'000, 1, 1'000'000'000,
     "requests a second in an open loop, on a day's average"},
    {"operations", ParameterUnit::kCount, 500'000, 1, 1'000'000'000'000,
     "requests measured, in four days"},
};

constexpr std::uint64_t kDays = 4;
constexpr std::uint64_t kSlices = 64;  // that a run is cut into: 16 a day
constexpr std::uint64_t kRequestsPerBatch = 1024;

constexpr double kPageDropHours[] = {10, 16};
constexpr double kRowDropHour = 3;
constexpr double kJobBegins = 2;
constexpr double kJobEnds = 4;
constexpr std::uint64_t kRequestsPerJobStep = 500;
constexpr std::uint32_t kJobBuffers = 8;
constexpr std::uint64_t kSmallestJobBuffer = 16;  // of `job`: the sixteenth part

constexpr std::uint32_t kScopedSmall = 8;            // and a response
constexpr std::uint32_t kScoped = kScopedSmall + 1;  // objects of a request
constexpr std::uint32_t kSessionSmall = 3;           // and a buffer
constexpr std::uint32_t kSessionObjects = kSessionSmall + 1;
constexpr std::uint64_t kRequestsPerPage = 8;

struct Range {
  std::uint64_t minimum;
  std::uint64_t maximum;
};
constexpr Range kScopedSizes{16, 2 << 10};
constexpr Range kResponseSizes{2 << 10, 64 << 10};
constexpr Range kSessionSizes{32, 512};
constexpr Range kSessionBufferSizes{512, 8 << 10};
constexpr Range kPageSizes{1 << 10, 64 << 10};
constexpr Range kRowSizes{64, 1 << 10};

// Sizes are what is drawn times this at 18 o'clock, and divided by it at 6.
constexpr double kDriftPeakHour = 18;
constexpr double kLargestDrift = std::numbers::sqrt2;

constexpr std::uint64_t kShortestSession = 1'000;  // requests
constexpr std::uint64_t kLongestSession = 1'000'000;

std::uint64_t requests_per_day(const Parameters& parameters) {
  return std::max<std::uint64_t>(1, parameters.at("operations") / kDays);
}

// Such that whole batches make kSlices equal slices and hardly more than `operations`.
std::uint64_t operations_per_batch(const Parameters& parameters) {
  const auto per_slice = divide_up(parameters.at("operations"), kSlices);
  return divide_up(per_slice, divide_up(per_slice, kRequestsPerBatch));
}

std::uint64_t largest_of(const Range& sizes) {
  return static_cast<std::uint64_t>(static_cast<double>(sizes.maximum) * kLargestDrift) + 1;
}

std::uint64_t smallest_of(const Range& sizes) {
  return static_cast<std::uint64_t>(static_cast<double>(sizes.minimum) / kLargestDrift);
}

/// A Pareto distribution with exponent 1, cut off at both ends.
class SessionLengths {
 public:
  explicit SessionLengths(std::uint64_t requests_per_day)
      : longest_(static_cast<double>(std::min(kLongestSession, requests_per_day))),
        shortest_(std::min(static_cast<double>(kShortestSession), std::max(1.0, longest_ / 10))),
        cut_(1 - shortest_ / longest_) {}

  double draw(Random& random) const {
    constexpr double kUnit = 0x1p-53;
    return shortest_ / (1 - cut_ * kUnit * static_cast<double>(random.next() >> 11));
  }
  double longest() const { return longest_; }
  double mean() const {
    return cut_ > 0 ? shortest_ * std::log(longest_ / shortest_) / cut_ : shortest_;
  }

 private:
  double longest_;
  double shortest_;
  double cut_;
};

/// Where each kind of object has its slots, and how large the other tables are.
struct Layout {
  explicit Layout(const Parameters& parameters)
      : batch(operations_per_batch(parameters)),
        day(requests_per_day(parameters)),
        sessions(2 * parameters.at("sessions") + 64),  // half as many again by day
        pages_budget(parameters.at("cache")),
        rows_budget(parameters.at("cache") / 2),
        pages(pages_budget / smallest_of(kPageSizes) + 1),
        rows(rows_budget / smallest_of(kRowSizes) + 1) {
    const SessionLengths lengths(day);
    starts_per_request = static_cast<double>(parameters.at("sessions")) /
                         (lengths.mean() * DailyLoad::kMeanOverRequests);
    const double longest = lengths.longest() * (1 + DailyLoad::kSwing);
    calendar = std::bit_ceil(static_cast<std::uint64_t>(longest) + 2);
    const auto most_starts = static_cast<std::uint64_t>(starts_per_request) + 1;
    const auto most_made = kScoped + 1 + most_starts * kSessionObjects + 2;
    calls = 2 * batch * most_made + slots() + kLookAhead;
  }

  std::uint64_t first_job() const { return kScoped; }
  std::uint64_t first_session() const { return first_job() + kJobBuffers; }
  std::uint64_t first_page() const { return first_session() + sessions * kSessionObjects; }
  std::uint64_t first_row() const { return first_page() + pages; }
  std::uint64_t slots() const { return first_row() + rows; }

  static constexpr std::uint64_t kLookAhead = 8;  // calls whose slots are fetched beforehand

  std::uint64_t batch;         // requests
  std::uint64_t day;           // requests
  std::uint64_t sessions;      // there is room for; one more is turned away
  std::uint64_t pages_budget;  // bytes
  std::uint64_t rows_budget;   // bytes
  std::uint64_t pages;
  std::uint64_t rows;
  std::uint64_t calendar;  // requests ahead for which sessions' ends are noted
  std::uint64_t calls;     // of a batch, at most: what it makes is freed, and all that was there
  double starts_per_request;
};

/// What is asked of the heap: an object of this size for the slot, or, by size 0, that the slot's
/// object be freed.
struct Call {
  std::uint32_t slot;
  std::uint32_t size;
};

/// The calls of a batch, and what is live once they are made.
class Calls {
 public:
  explicit Calls(const Layout& layout) : calls_(layout.calls), sizes_(layout.slots()) {}

  void clear() { count_ = 0; }
  std::size_t size() const { return count_; }
  const Call* data() const { return calls_.data(); }

  void make(std::uint64_t slot, std::uint64_t size) {
    calls_[count_++] = {static_cast<std::uint32_t>(slot), static_cast<std::uint32_t>(size)};
    sizes_[slot] = static_cast<std::uint32_t>(size);
    live_bytes_ += size;
    demand_.requested_bytes += size;
    ++demand_.heap_calls_count;
  }
  void free(std::uint64_t slot) {
    calls_[count_++] = {static_cast<std::uint32_t>(slot), 0};
    live_bytes_ -= std::exchange(sizes_[slot], 0);
    ++demand_.heap_calls_count;
  }
  void end_request() { ++demand_.operations_count; }

  /// 0 where nothing is live.
  std::uint32_t size_in(std::uint64_t slot) const { return sizes_[slot]; }
  std::uint64_t live_bytes() const { return live_bytes_; }
  const HeapDemand& demand() const { return demand_; }
  std::uint64_t table_bytes() const {
    return calls_.size() * sizeof(Call) + sizes_.size() * sizeof(std::uint32_t);
  }

 private:
  std::vector<Call> calls_;
  std::size_t count_ = 0;
  std::vector<std::uint32_t> sizes_;  // by slot
  std::uint64_t live_bytes_ = 0;
  HeapDemand demand_;
};

/// A set of entries that keeps within a budget of bytes by evicting at random.
class Cache {
 public:
  /// `slots` are the first one and how many.
  Cache(std::uint64_t first_slot, std::uint64_t slots_count, std::uint64_t budget)
      : budget_(budget), slots_(slots_count) {
    std::iota(slots_.begin(), slots_.end(), static_cast<std::uint32_t>(first_slot));
  }

  void insert(std::uint64_t size, Random& random, Calls& calls) {
    while (bytes_ + size > budget_) evict(random.below(used_), calls);
    calls.make(slots_[used_++], size);
    bytes_ += size;
  }
  void drop(Calls& calls) {
    for (std::size_t i = 0; i < used_; ++i) calls.free(slots_[i]);
    used_ = 0;
    bytes_ = 0;
  }
  std::uint64_t table_bytes() const { return slots_.size() * sizeof(std::uint32_t); }

 private:
  void evict(std::size_t entry, Calls& calls) {
    bytes_ -= calls.size_in(slots_[entry]);
    calls.free(slots_[entry]);
    std::swap(slots_[entry], slots_[--used_]);
  }

  std::uint64_t budget_;  // bytes
  std::uint64_t bytes_ = 0;
  std::vector<std::uint32_t> slots_;  // those in use, then the free ones
  std::size_t used_ = 0;
};

/// Sessions by the request before which they end.
class Sessions {
 public:
  explicit Sessions(const Layout& layout)
      : first_slot_(layout.first_session()),
        ending_(layout.calendar, kNone),
        next_(layout.sessions),
        free_(layout.sessions) {
    std::iota(free_.begin(), free_.end(), 0U);
  }

  bool has_room() const { return free_count() > 0; }

  /// The first of the new session's slots. 0 < length < the calendar's.
  std::uint64_t start(std::uint64_t request, std::uint64_t length) {
    const auto session = free_[used_++];
    auto& ending = ending_[(request + length) & (ending_.size() - 1)];
    next_[session] = std::exchange(ending, session);
    return first_slot_ + std::uint64_t{session} * kSessionObjects;
  }
  void end_those_due(std::uint64_t request, Calls& calls) {
    auto& ending = ending_[request & (ending_.size() - 1)];
    for (auto session = std::exchange(ending, kNone); session != kNone; session = next_[session]) {
      const auto slot = first_slot_ + std::uint64_t{session} * kSessionObjects;
      for (std::uint32_t k = 0; k < kSessionObjects; ++k) calls.free(slot + k);
      free_[--used_] = session;
    }
  }
  std::uint64_t table_bytes() const {
    return (ending_.size() + next_.size() + free_.size()) * sizeof(std::uint32_t);
  }

 private:
  static constexpr std::uint32_t kNone = ~0U;

  std::size_t free_count() const { return free_.size() - used_; }

  std::uint64_t first_slot_;
  std::vector<std::uint32_t> ending_;  // by request: the first of a list of sessions
  std::vector<std::uint32_t> next_;    // by session: the next of its list
  std::vector<std::uint32_t> free_;    // from used_ on
  std::size_t used_ = 0;
};

/// What the service does, request by request: a function of the seed and the number of the request.
class Service {
 public:
  Service(const Parameters& parameters, Random random)
      : layout_(parameters),
        random_(random),
        lengths_(layout_.day),
        job_sizes_(parameters.at("job") / kSmallestJobBuffer, parameters.at("job")),
        calls_(layout_),
        sessions_(layout_),
        pages_(layout_.first_page(), layout_.pages, layout_.pages_budget),
        rows_(layout_.first_row(), layout_.rows, layout_.rows_budget) {}

  const Layout& layout() const { return layout_; }
  Calls& calls() { return calls_; }
  const Calls& calls() const { return calls_; }

  /// Adds what comes between the last request and the next; then answer() adds that one.
  void work_between() {
    const auto time = request_ % layout_.day;
    sessions_.end_those_due(request_, calls_);
    for (const double hour : kPageDropHours) {
      if (time == request_at(hour)) pages_.drop(calls_);
    }
    if (time == request_at(kRowDropHour)) rows_.drop(calls_);
    work_at_night(time);
  }

  void answer() {
    const auto time = static_cast<double>(request_ % layout_.day);
    set_hour(load_.hour_at(time / static_cast<double>(layout_.day)));
    for (std::uint32_t k = 0; k < kScopedSmall; ++k) calls_.make(k, draw(scoped_));
    start_sessions();
    rows_.insert(draw(row_), random_, calls_);
    if (request_ % kRequestsPerPage == 0) pages_.insert(draw(page_), random_, calls_);
    calls_.make(kScopedSmall, draw(response_));
    for (std::uint32_t k = kScoped; k-- > 0;) calls_.free(k);
    calls_.end_request();
    ++request_;
  }

  std::uint64_t table_bytes() const {
    return calls_.table_bytes() + sessions_.table_bytes() + pages_.table_bytes() +
           rows_.table_bytes();
  }

 private:
  std::uint64_t request_at(double hour) const {
    return static_cast<std::uint64_t>(DailyLoad::share_before(hour) *
                                      static_cast<double>(layout_.day));
  }

  void work_at_night(std::uint64_t time) {
    const auto begin = request_at(kJobBegins);
    const auto end = request_at(kJobEnds);
    if (time == end) {
      for (std::uint32_t k = 0; k < kJobBuffers; ++k) free_job_buffer(layout_.first_job() + k);
    }
    if (time < begin || time >= end || (time - begin) % kRequestsPerJobStep != 0) return;
    const auto step = (time - begin) / kRequestsPerJobStep;
    const auto slot = layout_.first_job() + step % kJobBuffers;
    free_job_buffer(slot);
    calls_.make(slot, job_sizes_.draw(random_));
  }

  void free_job_buffer(std::uint64_t slot) {
    if (calls_.size_in(slot) != 0) calls_.free(slot);
  }

  void start_sessions() {
    for (starts_due_ += layout_.starts_per_request; starts_due_ >= 1; --starts_due_) {
      const auto length = static_cast<std::uint64_t>(lengths_.draw(random_) * load_now_);
      if (!sessions_.has_room()) continue;
      const auto slot = sessions_.start(request_, std::max<std::uint64_t>(1, length));
      for (std::uint32_t k = 0; k < kSessionSmall; ++k) calls_.make(slot + k, draw(session_));
      calls_.make(slot + kSessionSmall, draw(session_buffer_));
    }
  }

  void set_hour(double hour) {
    load_now_ = DailyLoad::load_at(hour);
    drift_ = std::pow(kLargestDrift, std::cos(DailyLoad::angle(hour - kDriftPeakHour)));
  }

  std::uint64_t draw(const LogUniform& sizes) {
    return static_cast<std::uint64_t>(static_cast<double>(sizes.draw(random_)) * drift_);
  }

  Layout layout_;
  Random random_;
  DailyLoad load_;
  SessionLengths lengths_;
  LogUniform scoped_{kScopedSizes.minimum, kScopedSizes.maximum};
  LogUniform response_{kResponseSizes.minimum, kResponseSizes.maximum};
  LogUniform session_{kSessionSizes.minimum, kSessionSizes.maximum};
  LogUniform session_buffer_{kSessionBufferSizes.minimum, kSessionBufferSizes.maximum};
  LogUniform page_{kPageSizes.minimum, kPageSizes.maximum};
  LogUniform row_{kRowSizes.minimum, kRowSizes.maximum};
  LogUniform job_sizes_;
  Calls calls_;
  Sessions sessions_;
  Cache pages_;
  Cache rows_;
  std::uint64_t request_ = 0;  // the next one
  double starts_due_ = 0;      // sessions
  double load_now_ = 1;
  double drift_ = 1;
};

/// When requests are due: exponential gaps in the load's own time, in which it is even.
class Arrivals {
 public:
  Arrivals(const Parameters& parameters, Random random)
      : random_(random),
        day_(static_cast<double>(requests_per_day(parameters))),
        day_ns_(day_ / static_cast<double>(parameters.at("rate")) * 1e9) {}

  Nanoseconds next() {
    constexpr double kUnit = 0x1p-53;
    arrived_ -= std::log1p(-kUnit * static_cast<double>(random_.next() >> 11));
    const double days = arrived_ / day_;
    const double whole_days = std::floor(days);
    const double hour = load_.hour_at(days - whole_days);
    return {static_cast<std::uint64_t>((whole_days + hour / DailyLoad::kHours) * day_ns_)};
  }

 private:
  Random random_;
  DailyLoad load_;
  double day_;  // requests
  double day_ns_;
  double arrived_ = 0;  // requests
};

template <HeapUnderTest Heap>
class LongRunning final : public Workload {
 public:
  LongRunning(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : heap_(&capabilities.heaps.front()),
        pacer_(capabilities.pacers.empty() ? nullptr : capabilities.pacers.front()),
        service_(parameters, capabilities.random),
        arrivals_(parameters, Random(capabilities.random).split()),
        objects_(service_.layout().slots()) {}

  void warm_up() override {
    for (auto left = service_.layout().day; left > 0;) {
      const auto count = std::min(left, service_.layout().batch);
      plan(count);
      make_calls(0, service_.calls().size());
      left -= count;
    }
  }

  // In an open loop each request is drawn in the time before it is due instead: drawn together they
  // would hold up whatever is due meanwhile.
  void prepare_batch() override {
    if (pacer_ == nullptr) plan(service_.layout().batch);
  }

  void run_batch() override {
    if (pacer_ == nullptr) return make_calls(0, service_.calls().size());
    for (std::uint64_t i = 0; i < service_.layout().batch; ++i) answer_when_due();
  }

  void drain() override {
    service_.calls().clear();
    for (std::uint64_t slot = 0; slot < objects_.size(); ++slot) {
      if (service_.calls().size_in(slot) != 0) service_.calls().free(slot);
    }
    make_calls(0, service_.calls().size());
  }

  void visit_live(const LiveVisitor& visit) const override {
    for (std::uint64_t slot = 0; slot < objects_.size(); ++slot) {
      const auto size = service_.calls().size_in(slot);
      if (size != 0) visit(objects_[slot], size);
    }
  }

  HeapDemand demand() const override { return service_.calls().demand(); }
  Progress progress() const override {
    return {service_.calls().demand().operations_count, service_.calls().live_bytes()};
  }
  Bytes table_bytes() const override {
    return {service_.table_bytes() + objects_.size() * sizeof(void*)};
  }

 private:
  void plan(std::uint64_t requests) {
    service_.calls().clear();
    for (std::uint64_t i = 0; i < requests; ++i) {
      service_.work_between();
      service_.answer();
    }
  }

  void answer_when_due() {
    service_.calls().clear();
    service_.work_between();
    const auto between = service_.calls().size();
    make_calls(0, between);
    service_.answer();
    pacer_->await(arrivals_.next());
    make_calls(between, service_.calls().size());
    pacer_->answered();
  }

  void make_calls(std::size_t from, std::size_t to) {
    const Call* const end = service_.calls().data() + to;
    for (const Call* call = service_.calls().data() + from; call != end; ++call) {
      __builtin_prefetch(&objects_[call[Layout::kLookAhead].slot], 1);
      void*& object = objects_[call->slot];
      if (call->size == 0) {
        heap_->free(object);
      } else {
        object = heap_->allocate(call->size);
        heap_->first_write(object, call->size, Touch::kEveryPage);
      }
    }
  }

  Heap* heap_;
  Pacer* pacer_;  // nullptr: a closed loop
  Service service_;
  Arrivals arrivals_;
  std::vector<void*> objects_;  // by slot
};

std::uint64_t table_bytes(const Layout& layout) {
  return layout.calls * sizeof(Call) + layout.slots() * (sizeof(void*) + sizeof(std::uint32_t)) +
         (layout.calendar + 2 * layout.sessions + layout.pages + layout.rows) *
             sizeof(std::uint32_t);
}

// Rows are the most, and a request replaces one.
std::uint64_t operations_per_pass(const Parameters& parameters) {
  const double row = mean_of_log_uniform(kRowSizes.minimum, kRowSizes.maximum);
  return static_cast<std::uint64_t>(static_cast<double>(Layout(parameters).rows_budget) / row);
}

Bytes footprint(const Parameters& parameters) {
  const Layout layout(parameters);
  const auto session = kSessionSmall * largest_of(kSessionSizes) + largest_of(kSessionBufferSizes);
  const auto scoped = kScopedSmall * largest_of(kScopedSizes) + largest_of(kResponseSizes);
  return {layout.sessions * session + layout.pages_budget + layout.rows_budget +
          kJobBuffers * parameters.at("job") + scoped + table_bytes(layout)};
}

}  // namespace

extern const WorkloadDescriptor kLongRunning;
constinit const WorkloadDescriptor kLongRunning = describe<LongRunning>({
    .name = "long_running",
    .family = Family::kLongAndLarge,
    .models = "four days of a service: daily load, sessions, caches dropped whole, a nightly job",
    .does_not_model = "threads, locality, leaks, a load that grows from day to day, idle time",
    .parameters = kParameters,
    .has_requests = true,
    .shows_live_objects = true,
    .operations_per_batch = operations_per_batch,
    .operations_per_pass = operations_per_pass,
    .footprint = footprint,
});

}  // namespace heapwise
