-- SPDX-License-Identifier: BSD-2-Clause
-- A small HTTP server by LuaSocket: each request is answered with what it asked, and its body in capitals.
local socket = require "socket"
local server = assert(socket.bind("*", tonumber(arg[1])))
while true do
    local client = server:accept()
    client:settimeout(10)
    local method, target = (client:receive() or ""):match("^(%u+) (%S+)")
    local length, line = 0, client:receive()
    while line and line ~= "" do
        length = tonumber(line:match("^[Cc]ontent%-[Ll]ength: *(%d+)")) or length
        line = client:receive()
    end
    local body = length > 0 and client:receive(length) or ""
    if method and body then
        local text = method .. " " .. target .. " " .. body:upper() .. "\n"
        client:send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " .. #text .. "\r\n\r\n" ..
            (method == "HEAD" and "" or text))
    end
    client:close()
end
