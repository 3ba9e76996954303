# SPDX-License-Identifier: BSD-2-Clause
"""The server behind the two nginx: answers with exact bytes, sound and broken ones, by the last word of the path."""

import gzip
import socket
import threading

TEXT = b"HTTP/1.1 200 OK\r\nServer: backend\r\nContent-Type: text/plain\r\n"
LONG = b"".join(b"line %d of a long answer\n" % n for n in range(5000))


def whole(body, *fields, status=b"200 OK"):
    head = b"HTTP/1.1 " + status + b"\r\n" + b"".join(f + b"\r\n" for f in fields)
    return head + b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body) + body


ANSWERS = {
    "text": whole(b"some text\n", b'ETag: "e"', b"Last-Modified: Sun, 13 Sep 2020 12:26:40 GMT"),
    "chunked": TEXT + b"Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n6;x=y\r\n more \r\n0\r\nTrailer: 1\r\n\r\n",
    "nolength": TEXT + b"\r\nas long as it lasts\n",
    "204": b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n",
    "304": b'HTTP/1.1 304 Not Modified\r\nETag: "e"\r\n\r\n',
    "500": whole(b"it broke\n", status=b"500 Something Else"),
    "cookie": whole(b"", b"Set-Cookie: a=b; Path=/; HttpOnly", b"Set-Cookie: c=d; path=/else"),
    "redirect": whole(b"", b"Location: http://backend/next?x", status=b"302 Found"),
    "many": whole(b"many\n", *(b"X-%d: %d" % (n, n) for n in range(60))),
    "bad": b"this is not HTTP\r\n\r\n",
    "badline": b"HTTP/1.1 abc OK\r\n\r\nx",
    "nothing": b"",
    "cut": TEXT + b"Content-Length: 100\r\n\r\nonly this",
    "cutchunk": TEXT + b"Transfer-Encoding: chunked\r\n\r\n64\r\nonly this",
    "bighead": TEXT + b"X-Big: " + b"b" * 20000 + b"\r\n\r\nx",
    "long": whole(LONG),
    "xaccel": whole(b"not shown", b"X-Accel-Redirect: /plain.txt", b"X-Kept: no"),
    "early": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + whole(b"after hints\n"),
    "gzipped": whole(gzip.compress(b"packed\n" * 50, mtime=0), b"Content-Encoding: gzip"),
    "zero": b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "dup": TEXT + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "100": b"HTTP/1.1 100 Continue\r\n\r\n" + whole(b"after continue\n"),
    "auth": whole(b"", b"X-User: me"),
}


class Backend:
    """Serves on loopback within a `with`; `port` is where."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            connection.settimeout(30)
            try:
                self.answer(connection)
            except OSError:
                pass

    def answer(self, connection):
        file = connection.makefile("rb")
        line = file.readline()
        if not line:
            return
        head = [line]
        while head[-1] not in (b"\r\n", b"\n", b""):
            head.append(file.readline())
        fields = {name.strip().lower(): value.strip() for name, _, value in (f.partition(b":") for f in head[1:])}
        body = read_body(file, fields)
        target = line.split(b" ")[1].decode("latin-1")
        path = target.partition("?")[0].rstrip("/")
        word = path.rsplit("/", 1)[-1]
        if "echo" in path:
            connection.sendall(whole(b"".join(head) + body))
        elif word == "never":
            file.read(1)  # until the other side gives up
        elif word == "upgrade":
            upgrade(connection, file)
        elif word == "counted":
            connection.sendall(whole(b"answer\n"))
        elif word == "auth" and b"forbidden" in fields.get(b"x-original", b""):
            connection.sendall(whole(b"", status=b"403 No"))
        else:
            reply = ANSWERS.get(word, whole(b"backend has " + target.encode("latin-1") + b"\n"))
            connection.sendall(reply.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if line.startswith(b"HEAD") else reply)
        # The end comes after the bytes, not instead of them.
        connection.shutdown(socket.SHUT_WR)
        file.read()


def read_body(file, fields):
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        body = b""
        while size := int(file.readline().partition(b";")[0], 16):
            body += file.read(size)
            file.readline()
        while file.readline() not in (b"\r\n", b""):
            pass
        return body
    return file.read(int(fields.get(b"content-length", b"0")))


def upgrade(connection, file):
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
    while (word := file.read(4)) and word != b"quit":
        connection.sendall(word.upper())
