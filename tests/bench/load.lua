-- Plays prepared requests to a server: one thread, one connection and one file each, in order.
--
-- A thread has one connection (wrk -t N -c N) and wrk sends the next request only when the answer
-- to the last one is whole, so each file arrives in its own order. A record of a file is eight
-- digits, the length, and the bytes of a request.

local threads = {}

function setup(thread)
   thread:set("id", #threads)
   table.insert(threads, thread)
end

function init(args)
   local file = assert(io.open(string.format("%s/%03d.requests", args[1], id), "rb"))
   data = file:read("*a")
   file:close()
   at, ran_out = 1, 0
   -- wrk asks the first thread once, before it begins, how many requests a call gives.
   asked_in_vain = id == 0
end

function request()
   if at > #data then
      ran_out = 1
      wrk.thread:stop()
      return last
   end
   local length = tonumber(data:sub(at, at + 7))
   last = data:sub(at + 8, at + 7 + length)
   if asked_in_vain then
      asked_in_vain = false
   else
      at = at + 8 + length
   end
   return last
end

function done(summary, latency, requests)
   local out = 0
   for _, thread in ipairs(threads) do
      out = out + thread:get("ran_out")
   end
   local errors = summary.errors
   print(string.format(
      '{"requests":%d,"duration_us":%d,"status":%d,"connect":%d,"read":%d,"write":%d,' ..
      '"timeout":%d,"ran_out":%d,"p50_us":%d,"p99_us":%d,"max_us":%d}',
      summary.requests, summary.duration, errors.status, errors.connect, errors.read,
      errors.write, errors.timeout, out,
      latency:percentile(50), latency:percentile(99), latency.max))
end
