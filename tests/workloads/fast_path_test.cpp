// What the workloads of the fast path ask of the heap, call by call.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/workloads/workload_instance.h"

// The linker sends the calls of the heap types here (CMakeLists.txt), those of the C++ library pass
// by.
namespace {

struct HeapCall {
  std::string_view function;
  void* object;  // that was made, or freed
  std::size_t size;
};

std::vector<HeapCall>* calls_seen = nullptr;

void* seen(std::string_view function, void* object, std::size_t size) {
  if (calls_seen != nullptr) calls_seen->push_back({function, object, size});
  return object;
}

}  // namespace

extern "C" {
void* __real_malloc(std::size_t size);
void* __real_calloc(std::size_t count, std::size_t size);
int __real_posix_memalign(void** object, std::size_t alignment, std::size_t size);
void* __real_realloc(void* object, std::size_t size);
void __real_free(void* object);

void* __wrap_malloc(std::size_t size) {
  return seen("malloc", __real_malloc(size), size);
}
void* __wrap_calloc(std::size_t count, std::size_t size) {
  return seen("calloc", __real_calloc(count, size), count * size);
}
int __wrap_posix_memalign(void** object, std::size_t alignment, std::size_t size) {
  const int error = __real_posix_memalign(object, alignment, size);
  seen("posix_memalign", *object, size);
  return error;
}
void* __wrap_realloc(void* object, std::size_t size) {
  return seen("realloc", __real_realloc(object, size), size);
}
void __wrap_free(void* object) {
  __real_free(seen("free", object, 0));
}
}

namespace heapwise {
namespace {

/// The calls of the next batch.
std::vector<HeapCall> calls_of_batch(WorkloadInstance& instance) {
  std::vector<HeapCall> calls;
  instance.workload().prepare_batch();
  calls_seen = &calls;
  instance.workload().run_batch();
  calls_seen = nullptr;
  return calls;
}

/// The objects of a round of fixed_size that is a batch: when the i-th freed one was made.
std::vector<std::size_t> order_of_frees(WorkloadInstance& instance) {
  const auto calls = calls_of_batch(instance);
  const auto middle = calls.begin() + static_cast<std::ptrdiff_t>(calls.size() / 2);
  std::vector<std::size_t> order;
  for (auto freed = middle; freed != calls.end(); ++freed) {
    EXPECT_EQ(freed->function, "free");
    const auto made = std::find_if(calls.begin(), middle,
                                   [&](auto& call) { return call.object == freed->object; });
    EXPECT_TRUE(made != middle && made->function == "malloc" && made->size == 48);
    order.push_back(static_cast<std::size_t>(made - calls.begin()));
  }
  return order;
}

// Would catch: an order that is another one, a batch that is freed in part or while it is made.
TEST(FixedSize, ABatchIsMadeAndThenFreedInTheOrderAskedFor) {
  constexpr std::size_t kObjects = 3000;
  std::vector<std::size_t> as_made(kObjects);
  for (std::size_t i = 0; i < kObjects; ++i) as_made[i] = i;
  const std::vector<std::size_t> reversed(as_made.rbegin(), as_made.rend());

  WorkloadInstance lifo(parse_spec("fixed_size:size=48,batch=3000"));
  WorkloadInstance fifo(parse_spec("fixed_size:size=48,batch=3000,order=fifo"));
  WorkloadInstance random(parse_spec("fixed_size:size=48,batch=3000,order=random"));
  EXPECT_EQ(order_of_frees(lifo), reversed);
  EXPECT_EQ(order_of_frees(fifo), as_made);
  const auto first = order_of_frees(random);
  const auto second = order_of_frees(random);
  EXPECT_TRUE(std::is_permutation(first.begin(), first.end(), as_made.begin()));
  EXPECT_NE(first, as_made);
  EXPECT_NE(first, second);
}

// Would catch: rounds that run into each other, so that more is live than the parameter says.
TEST(FixedSize, NoMoreThanABatchIsLive) {
  WorkloadInstance instance(parse_spec("fixed_size:size=48,batch=7,order=random"));
  const auto calls = calls_of_batch(instance);
  std::size_t live = 0;
  std::size_t most = 0;
  for (const auto& call : calls) {
    live = call.function == "free" ? live - 1 : live + 1;
    most = std::max(most, live);
  }
  EXPECT_EQ(most, 7U);
  EXPECT_EQ(live, 0U);
}

struct CallsOfAnOperation {
  const char* spec;
  std::string_view makes;
  std::string_view frees;
};

constexpr CallsOfAnOperation kReplacements[] = {
    {"small_churn:live=100", "malloc", "free"},
    {"aligned:live=100", "posix_memalign", "free"},
    {"calloc_zeroing:live=100,max=2K", "calloc", "free"},
};

// Would catch: a workload that is named for one call and makes another.
TEST(RandomReplacement, AnOperationFreesAnObjectAndMakesAnotherByTheCallsOfTheWorkload) {
  for (const auto& expected : kReplacements) {
    WorkloadInstance instance(parse_spec(expected.spec));
    instance.workload().warm_up();
    const auto before = instance.workload().demand();
    const auto calls = calls_of_batch(instance);
    const auto demand = instance.workload().demand() - before;
    ASSERT_EQ(calls.size(), 2 * instance.operations_per_batch()) << expected.spec;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < calls.size(); ++i) {
      ASSERT_EQ(calls[i].function, i % 2 == 0 ? expected.frees : expected.makes) << expected.spec;
      bytes += calls[i].size;
    }
    EXPECT_EQ(calls.size(), demand.heap_calls_count);
    EXPECT_EQ(bytes, demand.requested_bytes);
    instance.workload().drain();
  }
}

// Would catch: a second small_churn that differs from the first in more than its calls.
TEST(RandomReplacement, TheSameSeedAsksForTheSameObjectsByOtherCalls) {
  const auto asked = [](const char* spec, int batches = 1) {
    WorkloadInstance instance(parse_spec(spec));
    instance.workload().warm_up();
    instance.run_batches(batches);
    const auto bytes = instance.workload().demand().requested_bytes;
    instance.workload().drain();
    return bytes;
  };
  EXPECT_EQ(asked("sized_delete:live=100"), asked("small_churn:live=100"));
  EXPECT_EQ(asked("aligned:live=100"), asked("small_churn:live=100"));
  EXPECT_EQ(asked("calloc_zeroing:live=64"),
            asked("large_churn:window=64,min=1K,max=256K", 64 / 8));
}

// Would catch: memory that comes clean to the next calloc, whose zeroing would then cost nothing.
TEST(CallocZeroing, EveryPageOfABufferIsWritten) {
  const auto spec = parse_spec("calloc_zeroing:live=20");
  std::array<PlainHeap, 1> heaps;
  const auto workload = find_workload(spec.name)->make_plain(
      resolve_parameters(spec),
      {.heaps = heaps, .random = Random(5), .threads = nullptr, .tracks_live_bytes = true});
  workload->warm_up();
  std::size_t pages = 0;
  workload->visit_live([&](void* object, std::size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(object);
    for (std::size_t at = 0; at < size; at += kTouchStride, ++pages) ASSERT_EQ(bytes[at], 1);
    ASSERT_EQ(bytes[size - 1], 1);
  });
  EXPECT_GT(pages, 40U);
  workload->drain();
}

// Would catch: an alignment that is parsed and not passed on.
TEST(Aligned, EveryObjectBeginsAtAMultipleOfTheAlignment) {
  WorkloadInstance instance(parse_spec("aligned:alignment=1K,live=200"));
  auto& workload = instance.workload();
  workload.warm_up();
  instance.run_batches(1);
  std::size_t count = 0;
  workload.visit_live([&](void* object, std::size_t) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(object) % 1024, 0U);
    ++count;
  });
  EXPECT_EQ(count, 200U);
  workload.drain();
}

// Would catch: a cell that is let onto a machine which its pages fill, though its objects would
// not.
TEST(Aligned, TheFootprintCountsWhatAlignmentTouches) {
  WorkloadInstance instance(parse_spec("aligned:alignment=4K,live=1000,min=16,max=16"));
  EXPECT_GE(instance.footprint().value, 1000U * 4096);
}

// Would catch: sizes that are known only where live bytes are asked for; the checked heap stops at
// a wrong one.
TEST(SizedDelete, EveryObjectIsDeletedByItsOwnSizeWithoutATableOfLiveBytes) {
  constexpr bool kTracksLiveBytes = false;
  WorkloadInstance instance(parse_spec("sized_delete:live=100"), 5, WorkloadInstance::Loop::kOpen,
                            kTracksLiveBytes);
  auto& workload = instance.workload();
  workload.warm_up();
  instance.run_batches(2);
  EXPECT_EQ(instance.shadow().live_count(), 100U);
  workload.drain();
  EXPECT_EQ(instance.shadow().live_count(), 0U);
}

// Would catch: a buffer that is shrunk in one go, or freed before it is back.
TEST(ReallocGrowth, ABufferThatShrinksGoesBackByTheSizesItCame) {
  WorkloadInstance instance(parse_spec("realloc_growth:start=1000,step=10000,max=25000,shrink=1"));
  const auto calls = calls_of_batch(instance);
  std::vector<std::size_t> sizes;
  for (const auto& call : calls) sizes.push_back(call.size);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1000, 11000, 21000, 25000, 21000, 11000, 1000, 0}));
  EXPECT_EQ(calls.front().function, "malloc");
  EXPECT_EQ(calls[1].function, "realloc");
  EXPECT_EQ(calls.back().function, "free");
  const auto demand = instance.workload().demand();
  EXPECT_EQ(demand.operations_count, 6U);
  EXPECT_EQ(demand.heap_calls_count, calls.size());
  EXPECT_EQ(demand.requested_bytes, 1000U + 11000 + 21000 + 25000 + 21000 + 11000 + 1000);
}

/// What one batch of document_trees does that is one document: its objects are made, among frees of
/// arrays that have grown; behind the last malloc another document is freed.
struct DocumentCalls {
  std::span<const HeapCall> parsing() const { return std::span(calls).first(parsing_count); }
  std::span<const HeapCall> dropping() const { return std::span(calls).subspan(parsing_count); }

  std::vector<HeapCall> calls;
  std::size_t parsing_count;
};

DocumentCalls next_document(WorkloadInstance& instance) {
  auto calls = calls_of_batch(instance);
  const auto last_made = std::find_if(calls.rbegin(), calls.rend(),
                                      [](const auto& call) { return call.function == "malloc"; });
  const auto count = static_cast<std::size_t>(calls.rend() - last_made);
  return {std::move(calls), count};
}

/// In which order the next document will be dropped: of each object, as which one it was made.
/// Of a document_trees with documents=1.
std::vector<std::size_t> order_of_dropping(WorkloadInstance& instance) {
  const auto document = next_document(instance);
  std::map<void*, std::size_t> made;
  std::size_t count = 0;
  for (const auto& call : document.parsing()) {
    if (call.function == "malloc") made[call.object] = count++;
  }
  std::vector<std::size_t> order;
  const auto next = next_document(instance);
  for (const auto& call : next.dropping()) {
    EXPECT_EQ(call.function, "free");
    order.push_back(made.at(call.object));
  }
  return order;
}

// Would catch: parents freed before their children, or a node before what it holds.
TEST(DocumentTrees, AChainOfNodesIsFreedFromItsEndEachNodeAfterItsArrayAndString) {
  constexpr std::size_t kNodes = 700;
  // Made: root, string; then node, array of its parent, string, again and again.
  const auto node = [](std::size_t i) { return i == 0 ? 0 : 3 * i - 1; };
  const auto array = [](std::size_t i) { return 3 * i + 3; };
  const auto string = [](std::size_t i) { return 3 * i + 1; };
  std::vector<std::size_t> expected{string(kNodes - 1), node(kNodes - 1)};
  for (std::size_t i = kNodes - 1; i-- > 0;) {
    expected.insert(expected.end(), {array(i), string(i), node(i)});
  }
  WorkloadInstance instance(parse_spec("document_trees:nodes=700,children=1,documents=1"));
  instance.workload().warm_up();
  EXPECT_EQ(order_of_dropping(instance), expected);
  instance.workload().drain();
}

// Would catch: a shape that is the same for all documents, a tree whose root is not its first node,
// objects that are dropped with another document.
TEST(DocumentTrees, EachDocumentIsATreeOfItsOwnAndDroppedWhole) {
  WorkloadInstance instance(parse_spec("document_trees:documents=1"));
  instance.workload().warm_up();
  const auto first = order_of_dropping(instance);
  const auto second = order_of_dropping(instance);
  EXPECT_NE(first, second);
  for (const auto& order : {first, second}) {
    EXPECT_EQ(order.size(), 2U * 2000 + 238);
    EXPECT_EQ(std::set(order.begin(), order.end()).size(), order.size());
    EXPECT_EQ(order.back(), 0U);
    EXPECT_FALSE(std::is_sorted(order.rbegin(), order.rend()));
  }
  instance.workload().drain();
}

// Would catch: arrays that are made at their last size at once, or freed before the larger one is
// there.
TEST(DocumentTrees, AFullArrayIsFreedOnceOneOfTwiceItsSizeIsMade) {
  WorkloadInstance instance(parse_spec("document_trees"));
  instance.workload().warm_up();
  const auto document = next_document(instance);
  std::map<void*, std::size_t> sizes;
  std::map<std::size_t, std::size_t> freed;  // number of arrays by size
  const HeapCall* before = nullptr;
  for (const auto& call : document.parsing()) {
    if (call.function == "free") {
      EXPECT_EQ(before->function, "malloc");
      EXPECT_EQ(before->size, 2 * sizes.at(call.object));
      ++freed[sizes.at(call.object)];
    } else {
      sizes[call.object] = call.size;
    }
    before = &call;
  }
  // Inner nodes: 14 of each number of children from 1 to 16, one more of each from 1 to 13 and
  // of 4.
  EXPECT_EQ(freed, (std::map<std::size_t, std::size_t>{
                       {2 * sizeof(void*), 14 * 14 + 11 + 1},
                       {4 * sizeof(void*), 14 * 12 + 9},
                       {8 * sizeof(void*), 14 * 8 + 5},
                   }));
  instance.workload().drain();
}

// Would catch: sizes that are not those which the file promises.
TEST(DocumentTrees, NodesAndStringsAreOfTheSizesOfTheirKind) {
  WorkloadInstance instance(parse_spec("document_trees:nodes=700,children=1"));
  instance.workload().warm_up();
  const auto document = next_document(instance);
  const auto made = document.parsing();
  std::set<std::size_t> node_sizes;
  std::size_t string_bytes = 0;
  for (std::size_t i = 1; i < 700; ++i) {
    node_sizes.insert(made[3 * i - 1].size);
    EXPECT_EQ(made[3 * i].size, 2 * sizeof(void*));
    const auto string = made[3 * i + 1].size;
    EXPECT_TRUE(string >= 8 && string <= 200) << string;
    string_bytes += string;
  }
  EXPECT_EQ(node_sizes, (std::set<std::size_t>{24, 32, 40, 48, 56, 64, 72, 80}));
  EXPECT_NEAR(static_cast<double>(string_bytes) / 699, 8 + 24, 4);
  instance.workload().drain();
}

// Would catch: documents dropped in turn, or as soon as they have been made.
TEST(DocumentTrees, TheDocumentToDropIsDrawnAmongThoseThatWereThereBefore) {
  constexpr int kDocuments = 40;
  WorkloadInstance instance(parse_spec("document_trees:documents=4"));
  instance.workload().warm_up();
  std::map<void*, int> made_at;  // by the root's address
  std::set<int> ages;
  for (int i = 0; i < kDocuments; ++i) {
    const auto document = next_document(instance);
    made_at[document.calls.front().object] = i;
    const auto dropped = made_at.find(document.calls.back().object);
    if (dropped == made_at.end()) continue;  // of the warm-up
    ages.insert(i - dropped->second);
    made_at.erase(dropped);
  }
  EXPECT_FALSE(ages.contains(0));
  EXPECT_GE(ages.size(), 4U);
  instance.workload().drain();
}

}  // namespace
}  // namespace heapwise
