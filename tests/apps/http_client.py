# SPDX-License-Identifier: BSD-2-Clause
"""A small HTTP/1.1 client that hides nothing: raw bytes out, strictly parsed responses back."""

import socket
import time

TIMEOUT = 20  # seconds; a bound for broken servers, no test measures it
LATE = 0.5    # seconds from a connection to its request: the tests' servers wait for at least 1

# {port: seconds}: a pause behind each connect to a forwarder that listens with a backlog of 1, as
# QEMU's user network does. The host's TCP believes such a connection to be made when the queue was
# full, and its first bytes come seconds later.
PAUSES = {}


class Bad(Exception):
    """What came isn't a response."""


class Response:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def __getitem__(self, name):
        return self.fields.get(name.lower())

    def __repr__(self):
        return f"{self.status} {self.fields} {self.body[:60]!r}({len(self.body)})"


class Connection:
    def __init__(self, address, receive_buffer=None, port=None):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if port is not None:  # all that share a port have to say so
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.sock.bind(("", port))
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(address)
        time.sleep(PAUSES.get(address[1], 0))
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def end(self):
        """No more requests: the client's half of the connection is closed."""
        self.sock.shutdown(socket.SHUT_WR)

    def _more(self):
        data = self.sock.recv(65536)
        self.buffer += data
        return data

    def _line(self):
        while b"\r\n" not in self.buffer:
            if not self._more():
                raise Bad(f"the connection ended in a head: {self.buffer[:200]!r}")
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode("latin-1")

    def response(self, method="GET"):
        """The next response; None when the connection ended before it."""
        while not self.buffer:
            if not self._more():
                return None
        parts = self._line().split(" ", 2)
        if len(parts) != 3 or parts[0] != "HTTP/1.1" or not parts[1].isdigit() or len(parts[1]) != 3:
            raise Bad(f"status line {parts}")
        status, fields = int(parts[1]), {}
        while line := self._line():
            name, colon, value = line.partition(":")
            if not colon or name != name.strip() or not name or name.lower() in fields:
                raise Bad(f"header line {line!r}")
            fields[name.lower()] = value.strip()
        length = int(fields.get("content-length", "0"))
        if method == "HEAD" or status in (204, 304):
            length = 0
        elif "content-length" not in fields:
            raise Bad(f"no Content-Length in {fields}")
        while len(self.buffer) < length:
            if not self._more():
                raise Bad(f"{len(self.buffer)} of {length} bytes came")
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Response(status, fields, body)

    def ended(self):
        """Whether the server closes now, without a byte before."""
        try:
            return not self.buffer and not self._more()
        except ConnectionResetError:
            return True


def request(target, method="GET", fields=None, version="1.1", host="test", body=b""):
    """The bytes of a request."""
    lines = [f"{method} {target} HTTP/{version}"]
    lines += [f"Host: {host}"] if host is not None else []
    lines += [f"{k}: {v}" for k, v in (fields or {}).items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def fetch(address, target, method="GET", fields=None, **more):
    """One request on a connection of its own; asked again where this host was so slow that a server may give up."""
    while True:
        began = time.monotonic()
        with Connection(address) as c:
            try:
                c.send(request(target, method, fields, **more))
                late = time.monotonic() - began > LATE
                answer = c.response(method)
            except (BrokenPipeError, ConnectionResetError):
                if time.monotonic() - began <= LATE:
                    raise
                continue
        if not late or answer is not None and answer.status != 408:
            return answer


def metrics(address):
    """{"name{labels}": number} of the page /metrics, whose form is checked."""
    answer = fetch(address, "/metrics")
    if answer.status != 200 or not answer["content-type"].startswith("text/plain; version=0.0.4"):
        raise Bad(f"/metrics: {answer}")
    values, types = {}, set()
    for line in answer.body.decode().splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split(" ")[2:]
            if name in types or kind not in ("counter", "gauge", "histogram"):
                raise Bad(f"/metrics: {line!r}")
            types.add(name)
        elif not line.startswith("# HELP "):
            name, value = line.rsplit(" ", 1)
            base = name.partition("{")[0]
            if base not in types and base.rpartition("_")[0] not in types:
                raise Bad(f"/metrics: {line!r} has no type")
            if name in values:
                raise Bad(f"/metrics: {name} twice")
            values[name] = float(value)
    return values
