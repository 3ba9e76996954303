/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP's periodic functions. Takes the place of its timeouts.c, which would call each of them for
 * ever: here a function has a predicate that says whether anything waits for it, so that a machine
 * that does nothing sleeps. Deadlines are multiples of the period, so that those of one period
 * share a wake-up.
 */
#include "net_timers.h"

#include <stdbool.h>

#include <lwip/opt.h>

#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/igmp.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/mld6.h>
#include <lwip/nd6.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/stats.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>

#include <pith/platform.h>

#include "net_pool.h"

#define MS 1000000ull

static uint64_t ticked_ns; /* when tcp_ticks went up last, as far as lwIP's clock knows */

static bool tcp_waits(void)
{
    return net_tcp_ticked != NULL;
}

static void tcp_run(void)
{
    uint32_t before = tcp_ticks;

    tcp_tmr();
    if (tcp_ticks != before) {
        ticked_ns = platform_clock_ns();
    }
}

void net_tcp_clock(void)
{
    uint64_t ticks = (platform_clock_ns() - ticked_ns) / (TCP_SLOW_INTERVAL * MS);

    tcp_ticks += (uint32_t)ticks;
    ticked_ns += ticks * (TCP_SLOW_INTERVAL * MS);
}

/* ARP, neighbours, routers, fragments and DNS age by the second where there is a network at all. */
static bool have_device(void)
{
    return netif_list != NULL && netif_list->next != NULL;
}

static bool dhcp_waits(void)
{
    struct netif *n;

    NETIF_FOREACH(n) {
        const struct dhcp *d = netif_dhcp_data(n);
        if (d != NULL && d->request_timeout > 0) {
            return true;
        }
    }
    return false;
}

static bool dhcp_has_lease(void)
{
    struct netif *n;

    NETIF_FOREACH(n) {
        if (netif_dhcp_data(n) != NULL) {
            return true;
        }
    }
    return false;
}

static bool igmp_waits(void)
{
    struct netif *n;

    NETIF_FOREACH(n) {
        for (const struct igmp_group *g = netif_igmp_data(n); g != NULL; g = g->next) {
            if (g->timer > 0) {
                return true;
            }
        }
    }
    return false;
}

static bool mld6_waits(void)
{
    struct netif *n;

    NETIF_FOREACH(n) {
        for (const struct mld_group *g = netif_mld6_data(n); g != NULL; g = g->next) {
            if (g->timer > 0) {
                return true;
            }
        }
    }
    return false;
}

/*
 * ---- what counts seconds ----
 *
 * Neighbours, routers, fragments and answers of name servers age by the second. Where no frame has
 * come or gone for a while nothing of it is urgent: then ten seconds are counted at once.
 */

#define SECOND        1000u
#define QUIET_AFTER   6u  /* seconds without a frame: longer than any pause of a protocol that asks again */
#define QUIET_SECONDS 10u /* counted at once from then on */

_Static_assert(ARP_TMR_INTERVAL == SECOND && ND6_TMR_INTERVAL == SECOND && IP_TMR_INTERVAL == SECOND &&
               IP6_REASS_TMR_INTERVAL == SECOND && DNS_TMR_INTERVAL == SECOND, "lwIP's periods");

static bool quiet;           /* all under net_lock */
static unsigned quiet_seconds;
static uint32_t frames_seen; /* of the cards, both ways */
static uint64_t counted_ns;  /* until when seconds have been counted */

static bool frames_moved(void)
{
    return lwip_stats.link.xmit + lwip_stats.link.recv != frames_seen;
}

static void seconds_run(void)
{
    uint64_t now = platform_clock_ns();
    uint64_t n = (now - counted_ns + SECOND * MS / 2) / (SECOND * MS);

    /* A machine that was stopped has not counted meanwhile. */
    n = !quiet || n == 0 ? 1 : n > QUIET_SECONDS ? QUIET_SECONDS : n;
    counted_ns = now;
    for (uint64_t i = 0; i < n; i++) {
        etharp_tmr();
        nd6_tmr();
        ip_reass_tmr();
        ip6_reass_tmr();
        dns_tmr();
    }
    (void)net_pool_drain(); /* what a burst has left; what is needed still comes back at once */
    quiet_seconds = frames_moved() ? 0 : quiet_seconds + (unsigned)n;
    frames_seen = lwip_stats.link.xmit + lwip_stats.link.recv;
    quiet = quiet_seconds >= QUIET_AFTER;
}

static const struct {
    void (*run)(void);
    bool (*waits)(void);
    uint32_t period_ms;
} timers[] = {
    { tcp_run, tcp_waits, TCP_TMR_INTERVAL },
    { net_tcp_seldom, net_tcp_seldom_waits, SECOND }, /* after it: it may make this one wait */
    { igmp_tmr, igmp_waits, IGMP_TMR_INTERVAL },
    { mld6_tmr, mld6_waits, MLD6_TMR_INTERVAL },
    { dhcp_fine_tmr, dhcp_waits, DHCP_FINE_TIMER_MSECS },
    { dhcp_coarse_tmr, dhcp_has_lease, DHCP_COARSE_TIMER_MSECS },
    { seconds_run, have_device, SECOND },
};

#define NTIMERS (sizeof(timers) / sizeof(timers[0]))

enum { TCP_TIMER, TCP_SELDOM, SECONDS = NTIMERS - 1 }; /* in timers[] */

/* When each is due, monotonic ns; 0: it isn't running. Under net_lock. */
static uint64_t due[NTIMERS];
static bool changed; /* one is needed that net_timers_run() did not know of */
static uint64_t next_due;      /* the earliest of them; 0: all have to be looked at */
static uint32_t started_seen;  /* started(), when all were looked at last */
static bool dhcp_used;         /* likewise dhcp_has_lease() */

uint32_t net_now_ms(void)
{
    return (uint32_t)(platform_clock_ns() / MS);
}

void net_timers_init(void)
{
}

void net_timers_look(void)
{
    changed = true;
    next_due = 0;
}

/* A connection waits now: if its timer does not run yet, the engine sleeps for too long. */
void net_tcp_timer_needed(void)
{
    if ((tcp_waits() && due[TCP_TIMER] == 0) || (net_tcp_seldom_waits() && due[TCP_SELDOM] == 0)) {
        net_timers_look();
    }
}

bool net_timers_changed(void)
{
    bool was = changed || (quiet && frames_moved());

    changed = false;
    return was;
}

/*
 * Changes whenever a group's timer or DHCP's may have started: each does with a packet, out or in. (TCP
 * tells by itself; what counts seconds runs where there is a card.)
 */
static uint32_t started(void)
{
    uint32_t n = lwip_stats.igmp.recv + lwip_stats.igmp.xmit + lwip_stats.mld6.recv + lwip_stats.mld6.xmit;

    return dhcp_used ? n + lwip_stats.udp.xmit : n;
}

uint64_t net_timers_run(void)
{
    uint64_t now = platform_clock_ns();
    uint64_t next = UINT64_MAX;

    if (now < next_due && started() == started_seen && !(quiet && frames_moved())) {
        return next_due;
    }
    dhcp_used = dhcp_has_lease();
    started_seen = started();
    changed = false;
    if (quiet && frames_moved()) {
        quiet = false;
        due[SECONDS] = 0;
    }
    for (unsigned i = 0; i < NTIMERS; i++) {
        uint64_t period = timers[i].period_ms * MS;

        /* After a pause (a stopped machine) it runs once: lwIP counts calls, not time. */
        if (due[i] != 0 && due[i] <= now) {
            timers[i].run();
            due[i] = 0;
        }
        if (i == SECONDS && quiet) {
            period *= QUIET_SECONDS;
        }
        if (!timers[i].waits()) {
            due[i] = 0;
        } else if (due[i] == 0) {
            due[i] = (now / period + 1) * period;
        }
        if (due[i] != 0 && due[i] < next) {
            next = due[i];
        }
    }
    next_due = changed ? 0 : next; /* one of them may have made an earlier one wait */
    return next;
}
