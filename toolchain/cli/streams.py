# SPDX-License-Identifier: BSD-2-Clause
"""What flows between a person and a guest's console. Pure code: bytes in, bytes out.

The guest's last line is `\\n[pith-exit NONCE STATUS]\\n`; only the guest that was given this nonce can
say it. `\\n[pith-listens NONCE 1]\\n` says that its power button works from now on. Standard input is
escaped so that its end can be told: DLE EOT is the end, DLE DLE one DLE, and DLE DC1 c the byte c + 128.
It is sent as the guest asks for it, by `\\n[pith-stdin NONCE BYTES]\\n`: a serial port that is being set
up, or Xen's short buffer, would lose what comes unasked.
"""

DLE = b"\x10"
DC1 = b"\x11"
END_OF_INPUT = DLE + b"\x04"


def frame_input(data, seven_bits=False):
    """Escape input; seven_bits for Xen's serial console, which strips the highest bit of what it reads."""
    data = data.replace(DLE, DLE + DLE)
    if seven_bits:
        data = b"".join(DLE + DC1 + bytes([c & 0x7f]) if c >= 0x80 else bytes([c]) for c in data)
    return data


class GuestLines:
    """Passes output on, takes the guest's words to us out of it.

    `status` is "crash" or 0..255 once the exit line came, `credit` how many bytes of input were asked for,
    `listens` whether its power button works.
    """

    LONGEST_WORD = 16

    def __init__(self, nonce):
        self.markers = {b"\n[pith-exit " + nonce.encode() + b" ": self.parse_exit,
                        b"\n[pith-stdin " + nonce.encode() + b" ": self.parse_stdin,
                        b"\n[pith-listens " + nonce.encode() + b" ": self.parse_listens}
        self.held = b""
        self.status = None
        self.credit = 0
        self.listens = False

    def feed(self, data):
        """The part of what has come that is certainly the guest's own output."""
        self.held += data
        out = b""
        while self.status is None:
            found = [(self.held.find(m), m) for m in self.markers if m in self.held]
            if not found:
                keep = self.overlap()
                out += self.held[:len(self.held) - keep]
                self.held = self.held[len(self.held) - keep:]
                return out
            start, marker = min(found)
            out += self.held[:start]
            self.held = self.held[start:]
            rest = self.held[len(marker):]
            end = rest.find(b"]")
            if end < 0 and len(rest) <= self.LONGEST_WORD:
                return out
            if 0 <= end <= self.LONGEST_WORD and self.markers[marker](rest[:end]):
                if self.status is None and len(rest) == end + 1:
                    # Its newline is still to come; till then it has not been said.
                    if self.markers[marker] == self.parse_stdin:
                        self.credit -= int(rest[:end])
                    return out
                self.held = rest[end + 2:]
            else:  # looks like a line of ours but is none: the guest's output after all
                out += self.held[:1]
                self.held = self.held[1:]
        self.held = b""
        return out

    def parse_exit(self, word):
        if word == b"crash":
            self.status = "crash"
        elif word.isdigit() and int(word) <= 255:
            self.status = int(word)
        return self.status is not None

    def parse_stdin(self, word):
        if not word.isdigit():
            return False
        self.credit += int(word)
        return True

    def parse_listens(self, word):
        self.listens = self.listens or word == b"1"
        return word == b"1"

    def overlap(self):
        """How many bytes at the end of `held` may be a marker's beginning."""
        for n in range(min(max(map(len, self.markers)) - 1, len(self.held)), 0, -1):
            if any(len(m) > n and self.held.endswith(m[:n]) for m in self.markers):
                return n
        return 0

    def flush(self):
        """Give up what is held back: nothing more comes, or nobody should wait for it longer."""
        out, self.held = self.held, b""
        return out


class XenConsole:
    """Undoes what Xen's serial console does to dom0's output.

    Everything up to the end of Xen's own boot goes to the log, and so does each later line of Xen's
    ("(XEN) ..."). Xen writes CR LF where the guest wrote LF.
    """

    STARTED = b"init memory"  # "(XEN) Freed 652kB init memory": Xen's last line before dom0 runs
    OWN = b"(XEN) "

    def __init__(self):
        self.log = b""
        self.held = b""
        self.started = False

    def take_log(self):
        log, self.log = self.log, b""
        return log

    def feed(self, data):
        self.held += data
        if not self.started and not self.pass_boot():
            return b""
        out = b""
        while self.held:
            start = self.held.find(self.OWN)
            if start >= 0:
                end = self.held.find(b"\n", start)
                out += self.held[:start]
                if end < 0:
                    self.held = self.held[start:]
                    break
                self.log += self.held[start:end + 1]
                self.held = self.held[end + 1:]
                continue
            keep = self.overlap()
            out += self.held[:len(self.held) - keep]
            self.held = self.held[len(self.held) - keep:]
            break
        return out.replace(b"\r\n", b"\n")

    def pass_boot(self):
        start = self.held.find(self.STARTED)
        end = self.held.find(b"\n", start) if start >= 0 else -1
        if end < 0:
            last = self.held.rfind(b"\n") + 1
            if start < 0:
                self.log += self.held[:last]
                self.held = self.held[last:]
            return False
        self.log += self.held[:end + 1]
        self.held = self.held[end + 1:]
        self.started = True
        return True

    def overlap(self):
        """Bytes at the end that may begin a line of Xen's, or a CR whose LF is still to come."""
        if self.held.endswith(b"\r"):
            return 1
        for n in range(len(self.OWN) - 1, 0, -1):
            if self.held.endswith(self.OWN[:n]):
                return n
        return 0

    def flush(self):
        out, self.held = self.held, b""
        if not self.started or out.startswith(self.OWN):
            self.log += out
            return b""
        return out.replace(b"\r\n", b"\n")
