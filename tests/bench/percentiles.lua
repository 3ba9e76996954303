-- SPDX-License-Identifier: BSD-2-Clause
-- For wrk: says at the end, in one line of JSON, what it has measured; times in microseconds.

function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format('{"requests": %d, "seconds": %f, "bytes": %d, "failed": %d',
             summary.requests, summary.duration / 1e6, summary.bytes,
             e.connect + e.read + e.write + e.status + e.timeout))
    for _, p in ipairs({ 50, 75, 90, 99, 99.9 }) do
        io.write(string.format(', "p%g": %d', p, latency:percentile(p)))
    end
    io.write("}\n")
end
