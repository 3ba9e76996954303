# SPDX-License-Identifier: BSD-2-Clause
"""stages: where a byte is on its way to the program and back, stamped at each stage, on Pith alone.

QEMU's plugin notes each call of the functions at which a stage begins: which, how many instructions had been executed,
and the host's time. The guest does nothing for it, so that the way is the same with and without. All stamps stand in
the JSON's `raw`; the table has the median of what each stage took, until the next one began.
"""

import statistics
import time

import image
from bench import frame, loads, plugin, tcp
from bench import sides as places
from words import Failure

NAME = "stages"
TITLE = "a 1-byte TCP round trip, stage by stage (tests/bench/netpeer), on Pith alone"
NEEDS = ("ip",)

# Stages of a round trip in their order, and the functions at whose call one begins: whichever of them a version has.
OUT = (("write", ("write",)), ("socket out", ("sock_tcp_send", "sock_tcp_tx_queue")),
       ("TCP out", ("lwip_tcp_write", "net_tcp_short_output")), ("interface out", ("net_card_output",)),
       ("ring out", ("virtio_net_transmit",)))
IN = (("ring", ("virtio_net_receive",)), ("interface", ("net_card_input",)),
      ("TCP", ("net_tcp_short_input", "lwip_tcp_input")), ("socket", ("sock_tcp_rx_append",)))
BEGIN = OUT[0][0]  # also how a round trip ends: the program has its byte
WARM_UP, ROUND_TRIPS = 200, 400


class Side(places.Pith):
    """Pith with a stamp at each stage; `stages` says of which and by which function."""

    def __init__(self, elf):
        super().__init__(elf, options=["base=fixed"])
        at = plugin.Symbols(elf).at
        self.stages = [(stage, name) for stage, names in OUT + IN for name in names if name in at]
        missing = {stage for stage, _ in OUT + IN} - {stage for stage, _ in self.stages}
        if missing:
            raise Failure(f"{elf}: no function known to begin {', '.join(sorted(missing))}")
        self.places = [at[name] - plugin.LINK_BASE + plugin.FIXED_BASE for _, name in self.stages]


def cut(stamps, stage_of):
    """[{stage: (instructions, ns)}] of each round trip: of the way out the first stamp counts, of the way in the last."""
    found, now = [], None
    late = {stage for stage, _ in IN}
    for place, instructions, ns in stamps:
        stage = stage_of[place]
        if stage == BEGIN:
            if now is not None:
                now["end"] = (instructions, ns)
                found.append(now)
            now = {BEGIN: (instructions, ns)}
        elif now is not None and (stage in late or stage not in now):
            now[stage] = (instructions, ns)
    return found


def tabulate(trips, result):
    """What each stage took, into the result; the wait between the ring's two is the host's."""
    order = [stage for stage, _ in OUT + IN] + ["end"]
    whole = [trip for trip in trips if all(stage in trip for stage in order)]
    if len(whole) < len(trips) / 2:
        raise Failure(f"stages: only {len(whole)} of {len(trips)} round trips have all stages")
    for stage, following in zip(order, order[1:]):
        name = "out and back" if stage == OUT[-1][0] else stage
        for number, unit, scale in ((0, "instructions", 1), (1, "us", 1000)):
            took = [(trip[following][number] - trip[stage][number]) / scale for trip in whole]
            result.add("Pith", {f"{name} {unit}": statistics.median(took)})


def run(bench):
    began = time.monotonic()
    app = image.find(tcp.FOLDER)
    image.build([app])
    side = Side(app.elf)
    result = frame.Result(NAME, TITLE)
    started = side.start(bench, True)
    try:
        started.wait(tcp.PORT)
        loads.client(started.ns, "tcp", "E", 0, WARM_UP)
        before = started.meter.stamps_written()
        loads.client(started.ns, "tcp", "E", 0, ROUND_TRIPS)
        stamps = started.meter.stamps(before)
    finally:
        started.close()
    tabulate(cut(stamps, [stage for stage, _ in side.stages]), result)
    result.raw = {"stages": side.stages, "stamps": stamps}
    result.seconds = time.monotonic() - began
    return result
