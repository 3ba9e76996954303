/* sources: libos/net/net_poll.c libos/core/cmdline.c LWIP_HEADERS */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What the boot option net.poll means; what it does is tested with io_wait(). */
#include "unit.h"

#include <stdbool.h>

#include <pith/cmdline.h>
#include <pith/iowait.h>

#include "net_poll.h"

#include "fake_log.h"

static uint64_t asked_ns;
static bool asked_adaptive;

void io_engine_poll(uint64_t ns, bool adaptive)
{
    asked_ns = ns;
    asked_adaptive = adaptive;
}

static uint64_t asks(const char *options)
{
    asked_ns = 0;
    asked_adaptive = false;
    cmdline_init(options);
    net_poll_start();
    return asked_ns;
}

int main(void)
{
    EXPECT(asks("") == 0 && asks("net.poll=off") == 0 && asks("net.poll=0") == 0);
    EXPECT(asks("net.poll=50") == 50000 && !asked_adaptive);
    EXPECT(asks("net.poll=1000000") == 1000000000 && !asked_adaptive);
    EXPECT(asks("net.poll=adaptive") > 0 && asked_adaptive);
    EXPECT(asks("net.poll=1000001") == 0 && asks("net.poll=-1") == 0);
    EXPECT(asks("net.poll=always") == 0 && asks("net.poll=") == 0);
    return unit_done();
}
