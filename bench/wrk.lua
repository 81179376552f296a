-- Sends the calls of the Lua table in the file that BENCH_CALLS names, in turn, and reports as JSON.
local calls = dofile(os.getenv("BENCH_CALLS"))
local requests, last = {}, 0

function init()
  for at, call in ipairs(calls) do
    requests[at] = wrk.format(call.method, call.path, call.headers, call.body)
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %f, "refused": %d, "unanswered": %d}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
