#include "bench/run/worker_session.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "bench/core/clock.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

/// Longest line a worker may send; histograms and timelines stay far below.
constexpr std::size_t kLongestLine = 64 * kMiB.value;

/// Reads and writes lines of JSON over the stream socket to a running worker.
class Conversation {
 public:
  Conversation(Child& child, FileDescriptor socket, Deadline deadline, Interrupt& interrupt)
      : child_(child), socket_(std::move(socket)), deadline_(deadline), interrupt_(interrupt) {}

  /// False when the worker has gone.
  bool say(const Json& line) { return say(line.dump() + "\n"); }

  /// Sends one byte and waits for one. False when the worker has gone, or answered by a line: then
  /// it has ended early and hear() has its reason.
  bool exchange_byte() {
    if (!say(std::string(1, kTurn))) return false;
    while (received_.empty()) {
      if (!receive()) return false;
    }
    if (received_.front() != kTurn) return false;
    received_.erase(0, 1);
    return true;
  }

  void hang_up() { socket_.close(); }

  /// The next line, or nothing when the worker ended, was stopped, or sent no JSON (`garbled`).
  std::optional<Json> hear(std::string& garbled) {
    std::size_t newline = 0;
    while ((newline = received_.find('\n')) == std::string::npos) {
      if (received_.size() > kLongestLine || !receive()) {
        garbled = received_.substr(0, kShown);
        return std::nullopt;
      }
    }
    const auto text = received_.substr(0, newline);
    received_.erase(0, newline + 1);
    auto json = Json::parse(text, nullptr, false);
    if (json.is_object()) return json;
    garbled = text.substr(0, kShown);
    return std::nullopt;
  }

 private:
  static constexpr std::size_t kShown = 120;  // bytes of a bad line that are shown
  static constexpr char kTurn = '.';

  bool say(const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
      const auto count = send(socket_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      sent += static_cast<std::size_t>(count);
    }
    return true;
  }

  bool receive() {
    // An ended worker may have left a last line in the socket: false means no more is coming, so
    // what is there is read without waiting.
    const int flags = child_.wait_readable(socket_.get(), deadline_, interrupt_) ? 0 : MSG_DONTWAIT;
    std::array<char, 65536> buffer;
    const auto count = recv(socket_.get(), buffer.data(), buffer.size(), flags);
    if (count <= 0) return false;
    received_.append(buffer.data(), static_cast<std::size_t>(count));
    return true;
  }

  Child& child_;
  FileDescriptor socket_;
  Deadline deadline_;
  Interrupt& interrupt_;
  std::string received_;
};

ChildRequest child_request(const WorkerCall& call, int socket) {
  ChildRequest request{.launcher = call.launcher,
                       .launch_options = {},
                       .command = {call.worker, "--cell-fd", std::to_string(socket)},
                       .environment = call.environment,
                       .handed_descriptor = socket};
  if (call.traces_system_calls) request.launch_options.emplace_back("--trace-system-calls");
  if (!call.cgroup_procs.empty()) {
    request.launch_options.insert(request.launch_options.end(),
                                  {"--cgroup-procs", call.cgroup_procs});
  }
  return request;
}

struct SocketPair {
  FileDescriptor ours;
  FileDescriptor theirs;
};

SocketPair make_sockets() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw RunError(std::string("cannot make a socket for a worker: ") + std::strerror(errno));
  }
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

}  // namespace

struct Worker::Connection {
  Connection(const WorkerCall& call, SocketPair sockets, Interrupt& interrupt)
      : begun(monotonic_now()),
        deadline(deadline_after(call.timeout)),
        child(child_request(call, sockets.theirs.get())),
        conversation(child, std::move(sockets.ours), deadline, interrupt) {}

  Nanoseconds begun;
  Deadline deadline;
  Child child;
  Conversation conversation;
};

Worker::Worker(const WorkerCall& call, Interrupt& interrupt)
    : interrupt_(interrupt),
      connection_(std::make_unique<Connection>(call, make_sockets(), interrupt)) {
  connection_->conversation.say(call.cell_line);
}

Worker::~Worker() = default;

bool Worker::becomes_ready() {
  auto& answer = end_.answer;
  auto first = connection_->conversation.hear(answer.garbled);
  if (!first) return false;
  if (first->contains("identity")) end_.identity = (*first)["identity"];
  const auto message = first->value("message", "");
  if (message == "ready") {
    end_.ready_after = monotonic_now() - connection_->begun;
    return true;
  }
  if (message == "refused") {
    answer.refused = std::move(first);
  } else if (message == "figures" && first->value("status", "ok") != "ok") {
    answer.figures = std::move(first);  // the warm-up already failed
  } else {
    answer.garbled = "message '" + message + "' where 'ready' was due";
  }
  return false;
}

bool Worker::go() {
  return connection_->conversation.say({{"message", "go"}});
}

bool Worker::take_turn() {
  return connection_->conversation.exchange_byte();
}

void Worker::hear_figures() {
  auto& answer = end_.answer;
  auto figures = connection_->conversation.hear(answer.garbled);
  if (figures && figures->value("message", "") == "figures") answer.figures = std::move(figures);
}

WorkerEnd Worker::finish() {
  connection_->conversation.hang_up();  // a worker that still listens ends
  end_.child = connection_->child.finish(connection_->deadline, interrupt_);
  return std::move(end_);
}

WorkerEnd run_worker(const WorkerCall& call, Interrupt& interrupt) {
  Worker worker(call, interrupt);
  if (worker.becomes_ready() && worker.go()) worker.hear_figures();
  return worker.finish();
}

}  // namespace heapwise
