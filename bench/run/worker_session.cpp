#include "bench/run/worker_session.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

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
  bool say(const Json& line) {
    const auto text = line.dump() + "\n";
    for (std::size_t sent = 0; sent < text.size();) {
      const auto count = send(socket_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      sent += static_cast<std::size_t>(count);
    }
    return true;
  }

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

/// Lines 1 to 4.
void converse(Conversation& conversation, const Json& cell_line, WorkerEnd& end) {
  auto& answer = end.answer;
  if (!conversation.say(cell_line)) return;
  auto first = conversation.hear(answer.garbled);
  if (!first) return;
  if (first->contains("identity")) end.identity = (*first)["identity"];
  const auto message = first->value("message", "");
  if (message == "refused") {
    answer.refused = std::move(first);
    return;
  }
  if (message == "figures" && first->value("status", "ok") != "ok") {
    answer.figures = std::move(first);  // the warm-up already failed
    return;
  }
  if (message != "ready") {
    answer.garbled = "message '" + message + "' where 'ready' was due";
    return;
  }
  if (!conversation.say({{"message", "go"}})) return;
  auto figures = conversation.hear(answer.garbled);
  if (figures && figures->value("message", "") == "figures") answer.figures = std::move(figures);
}

}  // namespace

WorkerEnd run_worker(const WorkerCall& call, Interrupt& interrupt) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw RunError(std::string("cannot make a socket for a worker: ") + std::strerror(errno));
  }
  FileDescriptor ours(ends[0]);
  FileDescriptor theirs(ends[1]);

  ChildRequest request{.launcher = call.launcher,
                       .launch_options = {},
                       .command = {call.worker, "--cell-fd", std::to_string(theirs.get())},
                       .environment = call.environment,
                       .handed_descriptor = theirs.get()};
  if (call.traces_system_calls) request.launch_options.emplace_back("--trace-system-calls");

  const auto deadline = deadline_after(call.timeout);
  Child child(request);
  theirs.close();

  WorkerEnd end;
  {
    Conversation conversation(child, std::move(ours), deadline, interrupt);
    converse(conversation, call.cell_line, end);
  }  // hangs up: a worker that still listens ends
  end.child = child.finish(deadline, interrupt);
  return end;
}

}  // namespace heapwise
