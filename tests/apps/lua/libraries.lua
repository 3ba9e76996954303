-- SPDX-License-Identifier: BSD-2-Clause
-- What the interpreter's libraries do with the system under them: arguments, environment, files, clocks, sockets.

assert(arg[1] == "one" and arg[2] == "two words" and #arg == 2)
assert(os.getenv("GREETING") == "hello" and os.getenv("NOBODY") == nil)

-- files
local name = os.tmpname()
local file = assert(io.open(name, "w+"))
assert(file:write("first\n", 2.5, "\n", ("x"):rep(100000)))
assert(file:seek("set") == 0)
assert(file:read("l") == "first" and file:read("n") == 2.5)
assert(#file:read("a") == 100001)
file:close()
assert(os.rename(name, name .. ".b") and not io.open(name))
assert(os.remove(name .. ".b"))
local missing, text, code = io.open("/no/such/file")
assert(missing == nil and text:find("No such file or directory") and code == 2)
missing, text = io.open("/tests/new", "w")
assert(missing == nil and text:find("Read%-only file system"), text)

-- there are no processes
assert(not os.execute())
assert(not pcall(io.popen, "ls"))

-- clocks: of this century, and going forward
assert(os.time() > 1700000000 and os.date("!%Y-%m-%d", 86400) == "1970-01-02")
local before = os.clock()
for _ = 1, 100000 do end
assert(os.clock() >= before)

-- numbers as text, by newlib's printf and strtod
assert(string.format("%.14g %a %5.1f", 0.1, 1.0, math.pi) == "0.1 0x1p+0   3.1")
assert(tonumber("0x1p-3") == 0.125 and math.tointeger("9007199254740993") == 9007199254740993)
assert(os.setlocale("pt_BR") == nil and os.setlocale("C") == "C")

-- an error has a place and a traceback; coroutines have stacks of their own
local ok, trace = xpcall(function() error("oops") end, debug.traceback)
assert(not ok and trace:find("libraries.lua:%d+: oops") and trace:find("stack traceback"))
local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end)
assert(co(1) == 2 and co(21) == 42)

-- sockets: TCP with lines, a deadline, UDP, names
local socket = require "socket"
local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
local client = assert(socket.connect("127.0.0.1", port))
local peer = assert(server:accept())
assert(client:send("a line\nand a rest"))
assert(peer:receive() == "a line" and peer:receive(3) == "and")
client:settimeout(0.01)
local data, why = client:receive()
assert(data == nil and why == "timeout")
peer:close()
data, why = client:receive()
assert(data == nil and why == "closed")
local a, b = socket.udp(), socket.udp()
assert(a:setsockname("127.0.0.1", 0))
assert(b:sendto("datagram", a:getsockname()))
assert(a:receive() == "datagram")
local none, refused = socket.connect("127.0.0.1", 1)
assert(none == nil and refused == "connection refused")
assert(socket.dns.toip("localhost") == "127.0.0.1")
assert(require("socket.url").parse("http://host:80/path").port == "80")
assert(require("mime").b64("Pith") == "UGl0aA==")
print("all is well")
