#include "bench/worker/session.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "allocators/allocator.h"
#include "bench/heap/failure.h"
#include "bench/worker/affinity.h"
#include "bench/worker/cell_run.h"
#include "bench/worker/google_benchmark.h"
#include "workloads/parameters_json.h"

namespace heapwise {
namespace {

using nlohmann::json;

constexpr char kTurn = '.';

// Where the failure handler answers; a failing heap can be met on any thread, at any depth.
std::atomic<int> failure_socket{-1};
std::atomic_flag failure_told;

void send_line(int socket, const json& message) {
  const std::string line = message.dump() + "\n";
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t written = write(socket, rest.data(), rest.size());
    if (written < 0 && errno != EINTR) throw std::runtime_error("the parent is gone");
    if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

char receive_byte(int socket) {
  for (char byte = 0;;) {
    const ssize_t length = read(socket, &byte, 1);
    if (length == 1) return byte;
    if (length == 0 || errno != EINTR) throw std::runtime_error("the parent is gone");
  }
}

json receive_line(int socket) {
  std::string line;
  for (char byte = 0; (byte = receive_byte(socket)) != '\n';) line += byte;
  return json::parse(line);
}

/// A turn of lockstep: a byte that begins it, the same one back at its end. No line of JSON,
/// because that would touch memory of the harness between slices.
Pacing take_turns(int socket, Pacing pacing) {
  pacing.before_slice = [socket] { receive_byte(socket); };
  pacing.after_slice = [socket] {
    if (write(socket, &kTurn, 1) != 1) throw std::runtime_error("the parent is gone");
  };
  return pacing;
}

void tell_failure(std::string_view status, std::string_view detail) {
  if (failure_told.test_and_set()) pause();  // another thread is telling already
  Figures figures;
  figures.status = status;
  figures.status_detail = detail;
  send_line(failure_socket, to_json(figures, kPasses.front()));
  _exit(0);
}

CellPlan plan_from(const json& message) {
  const auto& cell = message.at("cell");
  CellPlan plan{.workload = find_workload(cell.at("workload").get<std::string>()),
                .parameters = {},
                .pass = find_pass(cell.at("pass").get<std::string>()),
                .seed = message.at("seed").get<std::uint64_t>(),
                .cpus = message.value("cpus", std::vector<int>())};
  if (plan.workload == nullptr || plan.pass == nullptr) {
    throw std::runtime_error("unknown workload or pass in " + cell.dump());
  }
  plan.parameters = parameters_from_json(plan.workload->name, cell.at("parameters"));
  if (const auto slicing = message.find("slicing"); slicing != message.end()) {
    plan.slicing = {.slices_count = slicing->at("slices_count"),
                    .batches_per_slice = slicing->at("batches_per_slice"),
                    .lead_in_batches = slicing->at("lead_in_batches")};
  }
  return plan;
}

/// What is known of the allocator that answers: nothing where it has a name of the user's own.
AllocatorDescriptor descriptor_of(const Spec& spec, const Identity& identity) {
  const auto* named = find_descriptor(spec.name);
  const auto* descriptor =
      named != nullptr ? named : find_descriptor_of_library(identity.library_path);
  return descriptor == nullptr ? AllocatorDescriptor{} : *descriptor;
}

/// Empty, or the refusal to send: a cell on the wrong allocator or setting is never measured.
std::optional<json> refusal(const Identity& identity) {
  json message = {{"message", "refused"}, {"identity", to_json(identity)}};
  if (!identity.contradiction.empty()) {
    message["status"] = "wrong_allocator";
    message["status_detail"] = identity.contradiction;
    return message;
  }
  for (const auto& setting : identity.settings) {
    if (setting.verdict != Verdict::kContradicted) continue;
    message["status"] = "setting_contradicted";
    message["status_detail"] = setting.key + " was set to " + setting.requested + " but " +
                               setting.source + " says " + setting.read_back;
    return message;
  }
  return std::nullopt;
}

int measure(int socket, const CellPlan& plan, const Identity& identity) {
  const auto run = make_cell_run(plan);
  Pacing pacing;
  pacing.before_region = [&] {
    send_line(socket, {{"message", "ready"},
                       {"identity", to_json(identity)},
                       {"rss_before_bytes", run->rss_before().value}});
    if (receive_line(socket).value("message", "") != "go") {
      throw std::runtime_error("the parent did not say go");
    }
  };
  run_cell(*run, slicing_of(plan), plan.slicing ? take_turns(socket, pacing) : pacing);
  send_line(socket, to_json(run->take_figures(), *plan.pass));
  return 0;
}

}  // namespace

int serve_cell(int socket) {
  const json message = receive_line(socket);
  CellPlan plan = plan_from(message);
  const Spec spec = parse_spec(message.at("cell").at("allocator").get<std::string>());
  const Identity identity = identify_process(spec, message.value("expected_library", ""));
  if (const auto refused = refusal(identity)) {
    send_line(socket, *refused);
    return 3;
  }
  const auto descriptor = descriptor_of(spec, identity);
  plan.statistics = descriptor.statistics;
  plan.release = descriptor.release;
  failure_socket = socket;
  set_failure_handler(tell_failure);
  if (!plan.cpus.empty()) stay_on(plan.cpus);
  return measure(socket, plan, identity);
}

}  // namespace heapwise
