# SPDX-License-Identifier: BSD-2-Clause
"""Many bytes: byte-exact over a cable that spoils them, and not sent more often than needed."""

import clients
from words import Failure

MIB = 1 << 20


def both_ways(server, size, address):
    with server.ns.connect(address, clients.SOURCE, 120) as sock:
        clients.fetch(sock, 5, size)
    with server.ns.connect(address, clients.SINK, 120) as sock:
        clients.push(sock, 6, size)


def impaired(site):
    """1% of the frames lost, 1% swapped, 0.5% doubled, 0.1% changed, both ways at once."""
    size = (256 if site.full else 8) * MIB
    server, cable = site.impaired(loss=10, reorder=10, duplicate=5, corrupt=1)
    both_ways(server, size, server.v6 if site.full else server.v4)
    to_guest, from_guest = cable.stop()
    for way in (to_guest, from_guest):
        if not (way["lost"] and way["doubled"] and way["swapped"] and way["changed"]):
            raise Failure(f"the cable spoilt nothing: {way}")
    return (f"{size // MIB} MiB each way; lost {to_guest['lost']} and {from_guest['lost']}, "
            f"sent {from_guest['tcp'] / size:.3f} times what is needed")


def exact(site):
    """On a good cable TCP sends at most 1% more than is needed."""
    size = (256 if site.full else 16) * MIB
    server, cable = site.impaired()
    both_ways(server, size, server.v4)
    to_guest, from_guest = cable.stop()
    said = []
    for name, way in (("guest", from_guest), ("Linux", to_guest)):
        more = (way["tcp"] - size) / size
        said.append(f"{name} {more:+.3%}")
        if way["unsent"] == 0 and more > 0.01 and name == "guest":
            raise Failure(f"the guest sent {more:.1%} more than needed")
        if more < 0:
            raise Failure(f"{name} sent {way['tcp']} bytes of {size}: they are miscounted")
    return ", ".join(said) + f"; unsent {to_guest['unsent']} and {from_guest['unsent']}"


def tap(site):
    """Over the tap, where checksums are left to the host."""
    size = (256 if site.full else 32) * MIB
    server = site.server()
    for address in (server.v4, server.v6):
        both_ways(server, size, address)
