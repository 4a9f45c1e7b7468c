// document_trees
//
// Models: a service that parses documents (JSON, XML, a program's source) into trees, goes through
// each once, keeps a few of them and drops a whole one at a time. A node brings a string with it,
// and an array of its children where it has any, which grows while they are parsed:
//
//     parsed:   node, its parent's array made or grown, string; then its children in turn
//     dropped:  its children in turn; then array, string, node
//
// So objects of mixed small sizes die together, and in another order than they were made in.
//
// Does not model: the input's text and buffers, documents of different lengths, content that is
// changed or read beyond a node's first byte, the copying of an array that grows, documents that
// have a pool of their own, threads.
//
// Parameters and their source: the suite's own choice, not taken from a trace. A node has 24 to 80
// bytes, by its kind (multiples of 8, uniform; cJSON's has 64 on 64-bit machines), a string 8 to
// 200 (8 and what an exponential with the mean 24 adds). An array has room for two children and is
// made anew at twice its size when it is full, as jansson's and libstdc++'s std::vector are; that
// children go first, then what a node holds, then the node, is the order of cJSON_Delete. Inner
// nodes have 1 to `children` children, one number as often as another; of the trees that have just
// these nodes any is as likely as another. So the number of objects is the same for every document,
// 4,740 by default, 190 KB of which stay, while its shape and sizes are its own. Which document is
// dropped is drawn, because whoever uses one does not finish in turn: the next document finds the
// room of several older ones. Oldest first it would find that of one, again and again.
//
// How to read the result: an operation is one object (a node, a string, an array of any size): one
// malloc, the write of its first byte, one free, so that half of its time is about that of an
// allocator call. Going through adds the read of a node to two or three operations; the next one's
// address is known when this one has been read, as in any tree. fixed_size with `batch` has the
// same phases with one size and a simple order, small_churn has mixed sizes without phases. What
// shows here beside them is what an allocator makes of many sizes that die together: pages or slabs
// that become free whole may go back or to other sizes, and a list of free objects is left in the
// order of the drop, and the next document is made from it. `documents` are alive between two
// turns, and one more before another is dropped: peak RSS is that of one more.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <span>

#include "bench/core/distribution.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

// The clock is read around as many operations at least.
constexpr std::uint64_t kFewestOperationsPerBatch = 2048;
constexpr std::uint64_t kWarmUpTurnovers = 2;  // documents for each one alive

constexpr std::uint64_t kSmallestNode = 24;  // bytes
constexpr std::uint64_t kNodeStep = 8;
constexpr std::uint64_t kNodeSizes = 8;
constexpr std::uint64_t kShortestString = 8;  // bytes
constexpr std::uint64_t kLongestString = 200;
constexpr double kMeanBeyondShortest = 24;
constexpr std::uint32_t kFirstArray = 2;  // children

constexpr ParameterDescriptor kParameters[] = {
    {"nodes", ParameterUnit::kCount, 2'000, 1, 1 << 20, "nodes of a document"},
    {"children", ParameterUnit::kCount, 16, 1, 256, "children of a node at most"},
    {"documents", ParameterUnit::kCount, 8, 1, 1 << 16, "documents alive from one to the next"},
    {"operations", ParameterUnit::kCount, 4'000'000, 1, 1'000'000'000'000,
     "objects made and freed in the region"},
};

/// The numbers of children of a document's nodes, in no order; their sum is one less than there are
/// nodes, for the root is no child.
std::vector<std::uint32_t> child_counts(const Parameters& parameters) {
  std::vector<std::uint32_t> counts(parameters.at("nodes"));
  std::uint64_t left = counts.size() - 1;
  for (std::size_t i = 0; left != 0; ++i) {
    counts[i] = static_cast<std::uint32_t>(std::min(left, 1 + i % parameters.at("children")));
    left -= counts[i];
  }
  return counts;
}

/// Whether an array with so many children in it must be made, or made anew, for one more.
constexpr bool is_full(std::uint32_t count) {
  return count == 0 || (count >= kFirstArray && std::has_single_bit(count));
}

struct ObjectCounts {
  std::uint64_t nodes;
  std::uint64_t kept;  // until the document is dropped
  std::uint64_t made;  // arrays besides that larger ones have replaced
};

ObjectCounts objects_of_document(const Parameters& parameters) {
  const auto nodes = parameters.at("nodes");
  ObjectCounts objects{.nodes = nodes, .kept = 2 * nodes, .made = 2 * nodes};
  for (const auto count : child_counts(parameters)) {
    if (count != 0) ++objects.kept;
    for (std::uint32_t i = 0; i < count; ++i) objects.made += is_full(i) ? 1 : 0;
  }
  return objects;
}

/// An object is made and goes to this place of its document; an array that grows frees the smaller
/// one that was there. Places are in the order in which a document is dropped.
struct Step {
  std::uint32_t place;
  std::uint16_t size;
  bool grows;
};

/// A document as it is parsed: its steps, and the places of its nodes.
struct DocumentPlan {
  std::span<Step> steps;
  std::span<std::uint32_t> nodes;
};

struct DocumentBytes {
  std::uint64_t requested = 0;
  std::uint64_t kept = 0;
};

/// Draws documents. While one is parsed its objects go by the numbers in which they were made:
/// their places are known only once nodes are complete.
class Parser {
 public:
  Parser(const Parameters& parameters, Random random)
      : random_(random),
        child_counts_(child_counts(parameters)),
        open_(child_counts_.size()),
        places_(objects_of_document(parameters).kept) {}

  DocumentBytes parse(const DocumentPlan& plan) {
    step_ = plan.steps.data();
    made_count_ = 0;
    complete_count_ = 0;
    bytes_ = {};
    draw_shape();
    for (std::size_t i = 0; i < child_counts_.size(); ++i) {
      plan.nodes[i] = open_node(child_counts_[i]);
      while (open_count_ != 0 && innermost().is_complete()) complete_node();
    }
    for (auto& step : plan.steps) step.place = places_[step.place];
    for (auto& node : plan.nodes) node = places_[node];
    return bytes_;
  }

  static std::uint64_t table_bytes(const ObjectCounts& objects) {
    return objects.nodes * (sizeof(std::uint32_t) + sizeof(OpenNode)) +
           objects.kept * sizeof(std::uint32_t);
  }

 private:
  /// A node whose children are being parsed.
  struct OpenNode {
    bool is_complete() const { return parsed == children; }

    std::uint32_t node;
    std::uint32_t string;
    std::uint32_t array;
    std::uint32_t children;
    std::uint32_t parsed;
  };

  /// Puts the numbers of children into the order of parsing. Of the rotations of any order just one
  /// is that of a tree, the one that begins where the sum of children less nodes is lowest (the
  /// cycle lemma; Dvoretzky and Motzkin 1947).
  void draw_shape() {
    shuffle(child_counts_, random_);
    std::int64_t sum = 0;
    std::int64_t lowest = 0;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < child_counts_.size(); ++i) {
      sum += std::int64_t{child_counts_[i]} - 1;
      if (sum >= lowest) continue;
      lowest = sum;
      begin = i + 1;
    }
    const auto first = child_counts_.begin();
    std::rotate(first, first + static_cast<std::ptrdiff_t>(begin), child_counts_.end());
  }

  std::uint32_t open_node(std::uint32_t children) {
    const auto node = make(kSmallestNode + kNodeStep * random_.below(kNodeSizes));
    if (open_count_ != 0) append_to(innermost());
    const auto string = make(draw_string_size());
    open_[open_count_++] = {
        .node = node, .string = string, .array = 0, .children = children, .parsed = 0};
    return node;
  }

  void append_to(OpenNode& parent) {
    const auto count = parent.parsed++;
    if (!is_full(count)) return;
    if (count == 0) {
      parent.array = make(kFirstArray * sizeof(void*));
    } else {
      make_anew(parent.array, count * sizeof(void*));
    }
  }

  void complete_node() {
    const auto& node = innermost();
    if (node.children != 0) places_[node.array] = complete_count_++;
    places_[node.string] = complete_count_++;
    places_[node.node] = complete_count_++;
    --open_count_;
  }

  std::uint32_t make(std::uint64_t size) {
    add_step(made_count_, size, false);
    bytes_.kept += size;
    return made_count_++;
  }

  /// At twice its size.
  void make_anew(std::uint32_t array, std::uint64_t full_size) {
    add_step(array, 2 * full_size, true);
    bytes_.kept += full_size;
  }

  void add_step(std::uint32_t object, std::uint64_t size, bool grows) {
    *step_++ = {.place = object, .size = static_cast<std::uint16_t>(size), .grows = grows};
    bytes_.requested += size;
  }

  std::uint64_t draw_string_size() {
    const auto size = kShortestString + static_cast<std::uint64_t>(string_lengths_.draw(random_));
    return std::min(size, kLongestString);
  }

  OpenNode& innermost() { return open_[open_count_ - 1]; }

  Random random_;
  Exponential string_lengths_{kMeanBeyondShortest};
  std::vector<std::uint32_t> child_counts_;  // of nodes in the order of parsing
  std::vector<OpenNode> open_;               // from the root down
  std::size_t open_count_ = 0;
  std::vector<std::uint32_t> places_;  // by number
  std::uint32_t made_count_ = 0;
  std::uint32_t complete_count_ = 0;
  Step* step_ = nullptr;
  DocumentBytes bytes_;
};

std::uint64_t documents_per_batch(const Parameters& parameters) {
  return divide_up(kFewestOperationsPerBatch, objects_of_document(parameters).made);
}

/// One document more than stay has a place: the fresh one is made before another is dropped.
std::uint64_t most_documents(const Parameters& parameters) {
  return parameters.at("documents") + 1;
}

/// Invariant: from warm_up to drain all documents but the one at vacant_ are alive.
template <HeapUnderTest Heap>
class DocumentTrees final : public Workload {
 public:
  DocumentTrees(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : heap_(&capabilities.heaps.front()),
        random_(capabilities.random),
        parser_(parameters, random_.split()),
        per_document_(objects_of_document(parameters)),
        turns_(documents_per_batch(parameters)),
        steps_(turns_.size() * per_document_.made),
        nodes_(turns_.size() * per_document_.nodes),
        document_bytes_(most_documents(parameters)),
        objects_(document_bytes_.size() * per_document_.kept),
        sizes_(capabilities.tracks_live_bytes ? objects_.size() : 0) {}

  void warm_up() override {
    const auto documents = document_bytes_.size() - 1;
    for (vacant_ = 0; vacant_ < documents; ++vacant_) {
      plan_document(0);
      parse_document(plan_of(0), objects_of(vacant_));
    }
    demand_.heap_calls_count += documents * (2 * per_document_.made - per_document_.kept);
    for (std::size_t done = 0; done < kWarmUpTurnovers * documents; done += turns_.size()) {
      prepare_batch();
      run_batch();
    }
  }

  void prepare_batch() override {
    for (std::size_t i = 0; i < turns_.size(); ++i) {
      plan_document(i);
      turns_[i] = {.fresh = vacant_, .dropped = draw_alive()};
      vacant_ = turns_[i].dropped;
      live_bytes_ -= document_bytes_[vacant_];
    }
    demand_.operations_count += steps_.size();
    demand_.heap_calls_count += 2 * steps_.size();
  }

  void run_batch() override {
    for (std::size_t i = 0; i < turns_.size(); ++i) {
      const DocumentPlan plan = plan_of(i);
      const auto fresh = objects_of(turns_[i].fresh);
      parse_document(plan, fresh);
      go_through(plan, fresh);
      drop(objects_of(turns_[i].dropped));
    }
  }

  void drain() override {
    for (std::size_t i = 0; i < document_bytes_.size(); ++i) {
      if (i != vacant_) drop(objects_of(i));
    }
    demand_.heap_calls_count += (document_bytes_.size() - 1) * per_document_.kept;
    live_bytes_ = 0;
  }

  void visit_live(const LiveVisitor& visit) const override {
    for (std::size_t i = 0; i < sizes_.size(); ++i) {
      if (i / per_document_.kept != vacant_) visit(objects_[i], sizes_[i]);
    }
  }

  HeapDemand demand() const override { return demand_; }
  Progress progress() const override { return {demand_.operations_count, live_bytes_}; }
  Bytes table_bytes() const override {
    return {Parser::table_bytes(per_document_) + turns_.size() * sizeof(Turn) +
            steps_.size() * sizeof(Step) + nodes_.size() * sizeof(std::uint32_t) +
            document_bytes_.size() * sizeof(std::uint64_t) + objects_.size() * sizeof(void*) +
            sizes_.size() * sizeof(std::uint16_t)};
  }

 private:
  /// The documents that a plan makes and that goes then.
  struct Turn {
    std::size_t fresh;
    std::size_t dropped;
  };

  DocumentPlan plan_of(std::size_t turn) {
    return {.steps = std::span(steps_).subspan(turn * per_document_.made, per_document_.made),
            .nodes = std::span(nodes_).subspan(turn * per_document_.nodes, per_document_.nodes)};
  }
  std::span<void*> objects_of(std::size_t document) {
    return std::span(objects_).subspan(document * per_document_.kept, per_document_.kept);
  }

  /// For the vacant place.
  void plan_document(std::size_t turn) {
    const auto plan = plan_of(turn);
    const auto bytes = parser_.parse(plan);
    demand_.requested_bytes += bytes.requested;
    live_bytes_ += bytes.kept;
    document_bytes_[vacant_] = bytes.kept;
    if (sizes_.empty()) return;
    // An array's last size comes last.
    for (const auto& step : plan.steps) {
      sizes_[vacant_ * per_document_.kept + step.place] = step.size;
    }
  }

  /// Any document but that for the vacant place.
  std::size_t draw_alive() {
    const auto places = document_bytes_.size();
    return (vacant_ + 1 + random_.below(places - 1)) % places;
  }

  void parse_document(const DocumentPlan& plan, std::span<void*> objects) {
    for (const auto& step : plan.steps) {
      void* const object = heap_->allocate(step.size);
      heap_->first_write(object, step.size, Touch::kFirstByte);
      if (step.grows) heap_->free(objects[step.place]);
      objects[step.place] = object;
    }
  }

  /// Reads every node in the order of parsing; the next one is found only once this one has been
  /// read, as if its address stood there (a heap that checks objects leaves no room for it).
  void go_through(const DocumentPlan& plan, std::span<void* const> objects) const {
    const std::size_t zero = zero_;
    std::size_t read = 0;
    for (const auto node : plan.nodes) {
      read = read_object(static_cast<const std::byte*>(objects[node]) + (read & zero));
    }
  }

  void drop(std::span<void* const> objects) {
    for (void* object : objects) heap_->free(object);
  }

  Heap* heap_;
  Random random_;
  Parser parser_;
  ObjectCounts per_document_;
  const volatile std::size_t zero_ = 0;        // which the compiler must not know
  std::vector<Turn> turns_;                    // of a batch
  std::vector<Step> steps_;                    // of all turns
  std::vector<std::uint32_t> nodes_;           // their places, of all turns
  std::vector<std::uint64_t> document_bytes_;  // of each document's objects
  std::vector<void*> objects_;                 // of all documents, each in the order of dropping
  std::vector<std::uint16_t> sizes_;           // of the objects in objects_; empty unless wanted
  std::size_t vacant_ = 0;
  HeapDemand demand_;
  std::uint64_t live_bytes_ = 0;
};

std::uint64_t operations_per_batch(const Parameters& parameters) {
  return documents_per_batch(parameters) * objects_of_document(parameters).made;
}

std::uint64_t operations_per_pass(const Parameters& parameters) {
  return most_documents(parameters) * objects_of_document(parameters).made;
}

// With all nodes and strings at their largest.
Bytes footprint(const Parameters& parameters) {
  constexpr std::uint64_t kLargestNode = kSmallestNode + kNodeStep * (kNodeSizes - 1);
  constexpr std::uint64_t kArrayBytesPerChild = 2 * sizeof(void*);
  constexpr std::uint64_t kBytesPerNode = kLargestNode + kLongestString + kArrayBytesPerChild;
  constexpr std::uint64_t kTableBytesPerObject = sizeof(void*) + sizeof(std::uint16_t);
  const auto objects = objects_of_document(parameters);
  const auto of_a_document =
      objects.nodes * kBytesPerNode + objects.kept * kTableBytesPerObject + sizeof(std::uint64_t);
  const auto of_a_turn =
      objects.made * sizeof(Step) + objects.nodes * sizeof(std::uint32_t) + 2 * sizeof(std::size_t);
  return {most_documents(parameters) * of_a_document + documents_per_batch(parameters) * of_a_turn +
          Parser::table_bytes(objects)};
}

}  // namespace

extern const WorkloadDescriptor kDocumentTrees;
constinit const WorkloadDescriptor kDocumentTrees = describe<DocumentTrees>({
    .name = "document_trees",
    .family = Family::kFastPath,
    .models = "documents parsed into trees of small objects, of which whole ones are dropped",
    .does_not_model = "documents of different lengths, reading of strings, pools, threads",
    .parameters = kParameters,
    .shows_live_objects = true,
    .operations_per_batch = operations_per_batch,
    .operations_per_pass = operations_per_pass,
    .footprint = footprint,
});

}  // namespace heapwise
