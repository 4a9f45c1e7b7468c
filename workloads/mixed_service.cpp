// mixed_service
//
// Models: a service in its steady state: requests that arrive one by one are each served by one of
// a few threads, which makes some objects for the request, some for the session it belongs to, some
// for a cache, and an answer that another thread sends.
//
//     objects ──┬─▶ freed when the request has been answered          (most)
//               ├─▶ the session's slot; what was there is freed
//               └─▶ the cache; its oldest entry is freed
//     answer ─────▶ the exchange; the answer that was there is freed  (another thread's)
//
// Does not model: work between heap calls, objects that grow, sessions and caches shared by
// threads, load that changes over time, connections that end with all they hold, threads that start
// and end.
//
// Parameters and their source: the suite's own choice, not taken from a trace; its shape is what is
// publicly known of services, where nearly all objects are small and short-lived and most bytes are
// in the few large ones (Maas et al., ASPLOS 2020; Zhou et al., ASPLOS 2024). A request makes 10 to
// 30 objects, uniform, and an answer. Of 16 objects 15 are small (headers, nodes, strings: 16 to
// 512 bytes) and one is a buffer (1K to 32K); `large` of 1024 requests have a buffer of 64K to 1M
// besides. An answer is 256 bytes to 16K. All sizes are log-uniform, all pages are written. Of 16
// small objects 2 belong to a session and 1 to the cache, of 16 buffers 1 and 6; the rest is freed
// in the order it was made or in reverse, as drawn for each request. Which session a request
// belongs to follows Zipf's law, as popularity on the web does (Breslau et al., INFOCOM 1999): an
// object lives until its session has the next one, so lifetimes spread over orders of magnitude,
// from a few requests to several times `sessions`. A cached entry lives `cache` insertions.
//
// Arrivals are Poisson, each thread has its own stream. The default rate is meant to leave two
// threads idle for half of the time or more: high enough that a slow call delays the requests
// behind it, low enough that the queue empties again.
//
// How to read the result: an operation is one request with all its heap calls, some 43. In the pass
// open_loop the answer is the tail of the response time: what an allocator does in large pieces
// (trimming, purging, refilling under a lock) delays all requests that come meanwhile. Elsewhere
// time an operation is throughput: the threads never wait for each other, but for the allocator's
// locks. The live set is constant but for its sizes, so RSS above it is the allocator's own.
//
// Demand is exact though threads race. Whatever outlives its request takes the place of an object
// that is freed then, so a request frees as many objects as it makes. An answer's size is that of
// its place in the exchange: whichever thread's answer is found there, it is of the same size.

#include <algorithm>
#include <array>
#include <utility>

#include "bench/core/distribution.h"
#include "workloads/hand_over.h"
#include "workloads/ring.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr ParameterDescriptor kParameters[] = {
    {"threads", ParameterUnit::kCount, 2, 1, 256, "threads that serve requests"},
    {"sessions", ParameterUnit::kCount, 2'000, 1, 10'000'000, "sessions of each thread"},
    {"cache", ParameterUnit::kCount, 2'000, 1, 10'000'000, "cached entries of each thread"},
    {"large", ParameterUnit::kCount, 20, 0, 1024, "requests of 1024 with a large buffer"},
    {"rate", ParameterUnit::kCount, 200'000, 1, 1'000'000'000,
     "requests a second in an open loop, all threads together"},
    {"operations", ParameterUnit::kCount, 200'000, 1, 1'000'000'000'000,
     "requests measured, all threads together"},
};

// Lengths of each thread's rings: primes, so that what is freed has not the sizes of what is made.
constexpr std::size_t kRequestsCount = 1'021;  // and places in the exchange
constexpr std::size_t kChoicesCount = 16'381;  // of sessions
constexpr std::size_t kGapsCount = 16'381;     // between arrivals

constexpr std::uint64_t kFewestObjects = 10;
constexpr std::uint64_t kMostObjects = 30;
constexpr std::uint64_t kRequestsInABatch = 256;  // of a single thread
constexpr std::uint64_t kWarmUpTurnovers = 2;     // requests for each session or cached entry

enum class Fate : std::uint32_t { kRequest, kSession, kCache };

struct Drawn {
  std::uint32_t size;
  Fate fate;
};

/// Draws what requests are made of.
class RequestMix {
 public:
  explicit RequestMix(Random random) : random_(random) {}

  std::uint64_t objects_count() {
    return kFewestObjects + random_.below(kMostObjects - kFewestObjects + 1);
  }
  Drawn object() {
    if (random_.below(16) != 0) return {size(small_), fate(2, 1)};
    return {size(buffers_), fate(1, 6)};
  }
  Drawn large_object() { return {size(large_), Fate::kRequest}; }
  std::uint32_t answer_size() { return size(answers_); }
  /// That of an object with this fate.
  std::uint32_t kept_size(Fate fate) {
    for (;;) {
      if (const auto drawn = object(); drawn.fate == fate) return drawn.size;
    }
  }
  bool happens(std::uint64_t times_of_1024) { return random_.below(1024) < times_of_1024; }

 private:
  std::uint32_t size(const LogUniform& sizes) {
    return static_cast<std::uint32_t>(sizes.draw(random_));
  }

  Fate fate(std::uint64_t session_of_16, std::uint64_t cache_of_16) {
    const auto drawn = random_.below(16);
    if (drawn < session_of_16) return Fate::kSession;
    return drawn < session_of_16 + cache_of_16 ? Fate::kCache : Fate::kRequest;
  }

  Random random_;
  LogUniform small_{16, 512};
  LogUniform buffers_{1 << 10, 32 << 10};
  LogUniform large_{64 << 10, 1 << 20};
  LogUniform answers_{256, 16 << 10};
};

/// What is made for a request: objects [begin, end) of its thread's, and an answer for a place.
struct Request {
  std::uint32_t begin;
  std::uint32_t end;
  std::uint32_t place;
  bool frees_in_reverse;
  std::uint64_t bytes;          // of all
  std::uint64_t passing_bytes;  // of what is freed when it has been answered

  std::uint64_t objects_count() const { return end - begin + 1; }
};

/// An object that outlives its request, until another takes its place.
struct Kept {
  void* object;
  std::uint32_t size;
};

/// Where an answer waits to be sent, in reach of all threads. Its size never changes.
struct alignas(64) Place : Kept {};

/// All that belongs to one thread. Invariant: after warm_up and until drain `sessions` and `cache`
/// are full of live objects.
struct alignas(64) Handler {
  std::vector<Drawn> objects;
  Ring<Request> requests;
  Ring<std::uint32_t> chosen;  // sessions, one for each object that belongs to one
  std::vector<Kept> sessions;
  Ring<Kept> cache;          // the next is the oldest
  Ring<std::uint64_t> gaps;  // between arrivals, in nanoseconds; empty in a closed loop
  Nanoseconds due;           // when the last request arrived
};

/// Draws a request's objects behind those of the ones before.
Request draw_request(std::vector<Drawn>& objects, RequestMix& mix, std::uint64_t large_of_1024) {
  Request request{.begin = static_cast<std::uint32_t>(objects.size())};
  for (auto left = mix.objects_count(); left != 0; --left) objects.push_back(mix.object());
  if (mix.happens(large_of_1024)) objects.push_back(mix.large_object());
  request.end = static_cast<std::uint32_t>(objects.size());
  request.frees_in_reverse = mix.happens(512);
  for (auto i = request.begin; i < request.end; ++i) {
    request.bytes += objects[i].size;
    if (objects[i].fate == Fate::kRequest) request.passing_bytes += objects[i].size;
  }
  return request;
}

Handler draw_handler(const Parameters& parameters, Random random) {
  Handler handler;
  RequestMix mix(random.split());
  const auto large = parameters.at("large");
  handler.requests =
      Ring(make_values(kRequestsCount, [&] { return draw_request(handler.objects, mix, large); }));
  // Zipf's law: every doubling of the rank is equally likely.
  const LogUniform ranks(1, parameters.at("sessions"));
  handler.chosen = Ring(make_values(
      kChoicesCount, [&] { return static_cast<std::uint32_t>(ranks.draw(random) - 1); }));
  handler.sessions = make_values(parameters.at("sessions"), [&] {
    return Kept{nullptr, mix.kept_size(Fate::kSession)};
  });
  handler.cache = Ring(make_values(parameters.at("cache"), [&] {
    return Kept{nullptr, mix.kept_size(Fate::kCache)};
  }));
  return handler;
}

Ring<std::uint64_t> draw_gaps(const Parameters& parameters, Random random) {
  const auto rate_of_a_thread =
      static_cast<double>(parameters.at("rate")) / static_cast<double>(parameters.at("threads"));
  const Exponential gaps(1e9 / rate_of_a_thread);
  return Ring(
      make_values(kGapsCount, [&] { return static_cast<std::uint64_t>(gaps.draw(random)); }));
}

// A batch of several threads is the whole run: at its end they wait for each other.
std::uint64_t requests_in_a_batch(const Parameters& parameters) {
  const auto threads = parameters.at("threads");
  const auto operations = parameters.at("operations");
  return threads == 1 ? std::min(kRequestsInABatch, operations)
                      : (operations + threads - 1) / threads;
}

std::uint64_t operations_per_batch(const Parameters& parameters) {
  return requests_in_a_batch(parameters) * parameters.at("threads");
}

template <HeapUnderTest Heap>
class MixedService final : public Workload {
 public:
  MixedService(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : heaps_(capabilities.heaps),
        threads_(capabilities.threads),
        pacers_(capabilities.pacers),
        warm_up_requests_(kWarmUpTurnovers *
                          std::max(parameters.at("sessions"), parameters.at("cache"))),
        batch_requests_(requests_in_a_batch(parameters)),
        exchange_(kRequestsCount),
        tallies_(2 * heaps_.size()) {
    Random random = capabilities.random;
    RequestMix mix(random.split());
    for (auto& place : exchange_) place = {{nullptr, mix.answer_size()}};
    for (std::size_t i = 0; i < heaps_.size(); ++i) {
      handlers_.push_back(draw_handler(parameters, random.split()));
      assign_places(i);
      const Random arrivals = random.split();  // drawn or not, so that the rest stays the same
      if (!pacers_.empty()) handlers_[i].gaps = draw_gaps(parameters, arrivals);
    }
  }

  void warm_up() override {
    fill();
    announce(warm_up_requests_);
    run_on(threads_, [this](unsigned index) {
      for (std::uint64_t i = 0; i < warm_up_requests_; ++i) serve(index);
    });
  }

  void prepare_batch() override { announce(batch_requests_); }

  void run_batch() override {
    run_on(threads_, [this](unsigned index) {
      if (pacers_.empty()) {
        for (std::uint64_t i = 0; i < batch_requests_; ++i) serve(index);
      } else {
        for (std::uint64_t i = 0; i < batch_requests_; ++i) serve_when_due(index);
      }
    });
  }

  void drain() override {
    demand_.heap_calls_count += live().objects_count;
    run_on(threads_, [this](unsigned index) {
      visit_kept(*this, index, [&](Kept& kept) {
        heaps_[index].free(kept.object);
        freed(index).add(0, kept.size);
      });
    });
  }

  HeapDemand demand() const override { return demand_; }
  Progress progress() const override { return progress_of(tallies_, heaps_.size()); }

  void visit_live(const LiveVisitor& visit) const override {
    for (unsigned index = 0; index < heaps_.size(); ++index) {
      visit_kept(*this, index, [&](const Kept& kept) { visit(kept.object, kept.size); });
    }
  }

  Bytes table_bytes() const override {
    std::uint64_t bytes = exchange_.size() * sizeof(Place);
    for (const auto& handler : handlers_) {
      bytes += handler.objects.size() * sizeof(Drawn) + handler.requests.table_bytes() +
               handler.chosen.table_bytes() + handler.sessions.size() * sizeof(Kept) +
               handler.cache.table_bytes() + handler.gaps.table_bytes();
    }
    return {bytes};
  }

 private:
  struct Live {
    std::uint64_t objects_count = 0;
    std::uint64_t bytes = 0;
  };

  /// All objects between requests; each thread fills, and empties, a share of the exchange.
  template <class Self, class Visit>
  static void visit_kept(Self& self, unsigned index, Visit visit) {
    for (auto& kept : self.handlers_[index].sessions) visit(kept);
    for (auto& kept : self.handlers_[index].cache.values()) visit(kept);
    for (std::size_t i = index; i < self.exchange_.size(); i += self.heaps_.size()) {
      visit(self.exchange_[i]);
    }
  }

  Live live() const {
    Live all;
    visit_live([&](void*, std::size_t size) {
      ++all.objects_count;
      all.bytes += size;
    });
    return all;
  }

  /// The threads go round the exchange far apart, so that each mostly finds another's answers.
  void assign_places(std::size_t index) {
    auto place = index * kRequestsCount / heaps_.size();
    for (auto& request : handlers_[index].requests.values()) {
      request.place = static_cast<std::uint32_t>(place++ % kRequestsCount);
      request.bytes += exchange_[request.place].size;
    }
  }

  void announce(std::uint64_t requests_of_each) {
    demand_.operations_count += requests_of_each * heaps_.size();
    for (const auto& handler : handlers_) {
      const auto sum = [&](auto number) {
        return handler.requests.sum_of_next(requests_of_each, number);
      };
      demand_.heap_calls_count += 2 * sum([](const Request& r) { return r.objects_count(); });
      demand_.requested_bytes += sum([](const Request& r) { return r.bytes; });
    }
  }

  void fill() {
    const auto all = live();  // their sizes are drawn
    demand_.heap_calls_count += all.objects_count;
    demand_.requested_bytes += all.bytes;
    run_on(threads_, [this](unsigned index) {
      visit_kept(*this, index, [&](Kept& kept) {
        kept.object = make(heaps_[index], kept.size);
        made(index).add(0, kept.size);
      });
    });
  }

  void serve_when_due(unsigned index) {
    auto& handler = handlers_[index];
    handler.due.value += handler.gaps.next();
    pacers_[index]->await(handler.due);
    serve(index);
    pacers_[index]->answered();
  }

  void serve(unsigned index) {
    Heap& heap = heaps_[index];
    auto& handler = handlers_[index];
    const Request& request = handler.requests.next();
    made(index).add(1, request.bytes);
    std::uint64_t replaced_bytes = 0;
    std::array<void*, kMostObjects + 1> passing;
    std::size_t passing_count = 0;
    for (auto i = request.begin; i < request.end; ++i) {
      const auto [size, fate] = handler.objects[i];
      void* object = make(heap, size);
      if (fate == Fate::kRequest) {
        passing[passing_count++] = object;
      } else {
        Kept& kept =
            fate == Fate::kSession ? handler.sessions[handler.chosen.next()] : handler.cache.next();
        replaced_bytes += replace(heap, kept, {object, size});
      }
    }
    replaced_bytes += send_answer(heap, exchange_[request.place]);
    for (std::size_t i = 0; i < passing_count; ++i) {
      heap.free(passing[request.frees_in_reverse ? passing_count - 1 - i : i]);
    }
    freed(index).add(1, request.passing_bytes + replaced_bytes);
  }

  static void* make(Heap& heap, std::size_t size) {
    void* object = heap.allocate(size);
    heap.first_write(object, size, Touch::kEveryPage);
    return object;
  }

  /// Returns the size of what was there.
  static std::uint64_t replace(Heap& heap, Kept& kept, Kept fresh) {
    heap.free(kept.object);
    return std::exchange(kept, fresh).size;
  }

  /// Frees the answer that was waiting there: whose it is depends on the threads' speed.
  static std::uint64_t send_answer(Heap& heap, Place& place) {
    void* answer = make(heap, place.size);
    heap.free(std::atomic_ref(place.object).exchange(answer, std::memory_order_acq_rel));
    return place.size;
  }

  Tally& made(std::size_t index) { return tallies_[index]; }
  Tally& freed(std::size_t index) { return tallies_[heaps_.size() + index]; }

  std::span<Heap> heaps_;
  Threads* threads_;
  std::span<Pacer* const> pacers_;
  std::uint64_t warm_up_requests_;  // of each thread
  std::uint64_t batch_requests_;    // of each thread
  std::vector<Place> exchange_;
  std::vector<Handler> handlers_;
  std::vector<Tally> tallies_;  // what each thread has made, then what each has freed
  HeapDemand demand_;
};

// Means of what is kept, rounded up, and a request of each thread under way.
Bytes footprint(const Parameters& parameters) {
  constexpr std::uint64_t kBytesOfASession = 512 + sizeof(Kept);
  constexpr std::uint64_t kBytesOfAnEntry = (4 << 10) + sizeof(Kept);
  constexpr std::uint64_t kBytesOfAnAnswer = (4 << 10) + sizeof(Place);
  constexpr std::uint64_t kBytesOfARequest = 2 << 20;
  constexpr std::uint64_t kTableBytes =
      kRequestsCount * (sizeof(Request) + (kMostObjects + 1) * sizeof(Drawn)) +
      kChoicesCount * sizeof(std::uint32_t) + kGapsCount * sizeof(std::uint64_t);
  const auto of_a_thread = parameters.at("sessions") * kBytesOfASession +
                           parameters.at("cache") * kBytesOfAnEntry + kBytesOfARequest +
                           kTableBytes;
  return {parameters.at("threads") * of_a_thread + kRequestsCount * kBytesOfAnAnswer};
}

}  // namespace

extern const WorkloadDescriptor kMixedService;
constinit const WorkloadDescriptor kMixedService = describe<MixedService>({
    .name = "mixed_service",
    .family = Family::kServers,
    .models = "requests of many sizes and lifetimes: passing, of a session, cached, handed over",
    .does_not_model = "work between heap calls, load that changes, threads that start and end",
    .parameters = kParameters,
    .has_requests = true,
    .shows_live_objects = true,
    .threads = threads_parameter,
    .operations_per_batch = operations_per_batch,
    .footprint = footprint,
});

}  // namespace heapwise
