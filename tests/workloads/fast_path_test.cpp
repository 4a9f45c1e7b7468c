// What the workloads of the fast path ask of the heap, call by call.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
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

}  // namespace
}  // namespace heapwise
