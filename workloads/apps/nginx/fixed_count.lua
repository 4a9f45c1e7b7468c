-- Lets wrk, which stops by time, stop after a fixed number of answers, so that every run does the same work.
-- The thread stops itself; SIGINT wakes the main thread, which otherwise sleeps for the whole of -d.
local ffi = require("ffi")
ffi.cdef("int getpid(void); int kill(int pid, int signal);")

local ANSWERS_COUNT = 3600
local PAGES_COUNT = 4
local SIGINT = 2
local asked, answered = 0, 0

function request()
  asked = asked + 1
  return wrk.format("GET", "/" .. asked % PAGES_COUNT .. ".txt", {["Accept-Encoding"] = "gzip"})
end

function response()
  answered = answered + 1
  if answered == ANSWERS_COUNT then
    wrk.thread:stop()
    ffi.C.kill(ffi.C.getpid(), SIGINT)
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("errors %d\n",
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
  io.write(string.format("requests_per_second %.1f\n", summary.requests * 1e6 / summary.duration))
  io.write(string.format("p99_us %.0f\n", latency:percentile(99)))
end
