/* SPDX-License-Identifier: BSD-2-Clause */
/* Internet sockets over the loopback interface. */
#include "check.h"
#include "tests.h"

void fail_at(const char *file, int line, const char *what, long long got)
{
    check_failed(file, line, "%s (%lld)", what, got);
}

void same_at(const char *file, int line, const char *what, long long a, long long b)
{
    check_equal(file, line, what, a, b);
}

static const struct {
    const char *name;
    void (*fn)(void);
    bool small; /* also where memory is short */
} checks[] = {
    { "bulk-both-ways", bulk_both_ways, true },
    { "bulk-small-buffers", bulk_small_buffers, true },
    { "bulk-tiny-writes", bulk_tiny_writes, true },
    { "bulk-v6", bulk_v6, true },
    { "backlog", backlog_holds_back, true },
    { "linger", linger_waits, true },
    { "unread", unread_is_reset, true },
    { "timeouts", timeouts, true },
    { "waitall-more", waitall_and_more, true },
    { "half-close", half_close, true },
    { "dual-stack", dual_stack, true },
    { "datagrams", datagrams, true },
    { "datagram-limits", datagram_limits, true },
    { "multicast", multicast, true },
    { "control-messages", control_messages, true },
    { "many-messages", many_messages, true },
    { "many-connections", many_connections, false },
    { "leave-nothing", connections_leave_nothing, true },
    { "same-port", same_port_again, true },
    { "reuseport", reuseport_spreads, true },
    { "stress", stress, true },
};

int main(int argc, char **argv)
{
    bool small = argc > 1 && strcmp(argv[1], "small") == 0;
    const char *only = argc > 2 ? argv[2] : NULL;
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if ((checks[i].small || !small) && (only == NULL || strcmp(only, checks[i].name) == 0)) {
            check_run(checks[i].name, checks[i].fn);
        }
    }
    return check_done();
}
