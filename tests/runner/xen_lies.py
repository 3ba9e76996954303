# SPDX-License-Identifier: BSD-2-Clause
"""What backends lie about in the suite `xen`, and what becomes of it: of each device what the guest's
program (tests/xen/victim) says, and how many lines of the guest's log are about it.
"""

import re
from dataclasses import dataclass

FRAMES = 12      # that a card has to bring back


@dataclass(frozen=True)
class Lie:
    """A device's fault, with nodes of its backend or (front/KEY=VALUE) its front end, and what the
    guest's program says of the device: now, or, where that is nothing, when it has been taken away."""

    kind: str
    fault: str
    says: str
    later: str = ""
    nodes: tuple = ()
    lines: int = 1  # of the log; None: one if the device has failed
    loses: bool = False  # a card's frames; it is not waited for them long

    @property
    def patience(self):
        """Seconds for a frame to come back, or for the card to fail."""
        return 4 if self.loses else 60

    @property
    def name(self):
        return "-".join((self.kind, self.fault.replace(".", "-")) + tuple(
            re.sub(r"[^a-z0-9]+", "", node)[:20] for node in self.nodes))


def disk(fault, says, **more):
    return Lie("disk", fault, says, **more)


def net(fault, says, **more):
    return Lie("net", fault, says, **more)


def lossy(fault, says, **more):
    return Lie("net", fault, says, loses=True, **more)


def good(lost=0, received=0, sent=0):
    """A card's frames have come, but those that are lost; the driver has dropped some."""
    return rf"good {FRAMES} of {FRAMES}, lost {lost}, wrong 0, dropped {received} {sent}\b"


EIO = r"failed (?:read|write|fsync) after \d+: Input/output error"
RINGS = ("bad-id", "repeated-id", "bad-index", "index-one")

GOOD = (disk("good", "good 16", lines=0), net("good", good(), lines=0))

DISKS = (
    *(disk(fault, EIO) for fault in (*RINGS, "bad-status", "bad-op", "close", "vanish", "silence")),
    *(disk(fault, "good 16", lines=0) for fault in ("odd-state", "storm")),
    disk("rewrite", f"good 16|{EIO}", lines=None),
    disk("keep", "good 16"),
)
CARDS = (
    *(net(fault, "failed after") for fault in (*RINGS, *("tx." + fault for fault in RINGS))),
    *(lossy(fault, good(lost=1, received=1)) for fault in ("bad-status", "bad-offset", "bad-extra")),
    # All flags at once make two more answers parts of a frame that makes no sense.
    lossy("bad-flags", good(lost=3, received=1)),
    lossy("endless", "failed after"),
    *(net(fault, "failed after") for fault in ("close", "vanish")),
    net("tx.bad-status", good(sent=1)),
    # To a network that is silent nobody answers; one that sends nothing drops what is sent.
    lossy("silence", "silent after .*, dropped 0 0", lines=0),
    lossy("tx.silence", "silent after .*, dropped 0 1"),
    *(net(fault, good(), lines=0) for fault in ("odd-state", "storm")),
    lossy("rewrite", "good|failed after|silent after", lines=None),
    # The page that is kept is that of the next frame.
    lossy("keep", good(lost=1, received=1)),
)
# What stands in the tree and can't be: refused, or taken for something that can.
NODES = (
    *(disk("good", "no open", nodes=(node,)) for node in (
        "sectors=18446744073709551615", "sectors=0", "sectors=", "sectors=banana", "sectors=-1",
        "sectors=99999999999999999999", "sector-size=0", "sector-size=777", "sector-size=4294967295")),
    *(disk("good", "good 16", nodes=(node,), lines=0) for node in (
        "feature-max-indirect-segments=4294967295", "max-ring-page-order=99", "feature-persistent=banana",
        "info=banana", "max-ring-page-order=-1")),
)
CARD_NODES = (
    # One that has no address of the toolstack's gets another.
    *(net("good", "no such card", nodes=(node,)) for node in ("feature-rx-copy=0", "mac=banana")),
    *(net("good", good(), nodes=(node,)) for node in ("front/mtu=1", "front/mtu=banana")),
    *(net("good", good(), nodes=(node,), lines=0) for node in (
        "front/mtu=99999999", "feature-gso-tcpv4=banana", "feature-sg=-7",
        "multi-queue-max-queues=4294967295")),
)
NEVER = tuple(kind(fault, "no (?:open|such card)")
              for kind in (disk, net) for fault in ("never-wait", "never-connect"))

# Those on which the others are variations: id, length, index, close, silence. A silent disk is taken
# away before the driver's patience is at its end.
QUICK = tuple(lie for lie in DISKS + CARDS
              if lie.fault in ("bad-id", "bad-status", "bad-index", "close") or lie.name == "net-silence") + \
    (disk("silence", "", later=EIO, lines=0),)
ALL = (DISKS, CARDS[:12], CARDS[12:], NODES, CARD_NODES, NEVER)
