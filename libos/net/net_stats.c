/* SPDX-License-Identifier: BSD-2-Clause */
/* The network's counters as a list: lwIP's, those of its memory, and those of all interfaces. */
#include <pith/netstats.h>

#include "net.h"

#include <stddef.h>

#include <lwip/opt.h>

#include <lwip/priv/tcp_priv.h>
#include <lwip/stats.h>

#include "net_card.h"
#include "net_memory.h"

struct list_entry {
    const char *name, *help;
    const uint32_t *value;
};

#define MIB(field) &lwip_stats.mib2.field
#define STAT(field) &lwip_stats.field

static const struct list_entry counters[] = {
    { "tcp_segments_received", "TCP segments received", MIB(tcpinsegs) },
    { "tcp_segments_sent", "TCP segments sent, without retransmissions", MIB(tcpoutsegs) },
    { "tcp_segments_retransmitted", "TCP segments sent again", MIB(tcpretranssegs) },
    { "tcp_segments_bad", "TCP segments with a bad checksum or header", MIB(tcpinerrs) },
    { "tcp_segments_dropped", "TCP segments refused for any reason", STAT(tcp.drop) },
    { "tcp_checksum_errors", "TCP segments with a bad checksum", STAT(tcp.chkerr) },
    { "tcp_no_memory", "TCP segments or connections refused for lack of memory", STAT(tcp.memerr) },
    { "tcp_connections_opened", "TCP connections that the program has begun", MIB(tcpactiveopens) },
    { "tcp_connections_accepted", "TCP connections that others have begun", MIB(tcppassiveopens) },
    { "tcp_connections_failed", "TCP connections never established", MIB(tcpattemptfails) },
    { "tcp_connections_reset", "TCP connections that ended by a reset", MIB(tcpestabresets) },
    { "tcp_resets_sent", "TCP resets sent", MIB(tcpoutrsts) },
    { "udp_datagrams_received", "UDP datagrams received", MIB(udpindatagrams) },
    { "udp_datagrams_sent", "UDP datagrams sent", MIB(udpoutdatagrams) },
    { "udp_no_port", "UDP datagrams for a port that nobody listens on", MIB(udpnoports) },
    { "udp_checksum_errors", "UDP datagrams with a bad checksum", STAT(udp.chkerr) },
    { "ip_packets_received", "IPv4 packets received", STAT(ip.recv) },
    { "ip_packets_sent", "IPv4 packets sent", STAT(ip.xmit) },
    { "ip_packets_dropped", "IPv4 packets refused", STAT(ip.drop) },
    { "ip_fragments_received", "IPv4 fragments received", STAT(ip_frag.recv) },
    { "ip6_packets_received", "IPv6 packets received", STAT(ip6.recv) },
    { "ip6_packets_sent", "IPv6 packets sent", STAT(ip6.xmit) },
    { "ip6_packets_dropped", "IPv6 packets refused", STAT(ip6.drop) },
    { "icmp_messages_received", "ICMP messages received", STAT(icmp.recv) },
    { "icmp_messages_sent", "ICMP messages sent", STAT(icmp.xmit) },
    { "icmp6_messages_received", "ICMPv6 messages received", STAT(icmp6.recv) },
    { "icmp6_messages_sent", "ICMPv6 messages sent", STAT(icmp6.xmit) },
    { "arp_packets_received", "ARP packets received", STAT(etharp.recv) },
    { "arp_packets_sent", "ARP packets sent", STAT(etharp.xmit) },
};

static unsigned add(struct net_stat *out, unsigned n, const char *name, const char *help,
                    bool counter, uint64_t value)
{
    out[n] = (struct net_stat){ name, help, counter, value };
    return n + 1;
}

static unsigned count(const struct tcp_pcb *pcb)
{
    unsigned n = 0;

    for (; pcb != NULL; pcb = pcb->next) {
        n++;
    }
    return n;
}

static unsigned add_memory(struct net_stat *out, unsigned n)
{
    struct net_memory_stats m;

    net_memory_stats(&m);
    n = add(out, n, "tcp_connections", "TCP connections, those in TIME_WAIT left out", false,
            count(tcp_active_pcbs));
    n = add(out, n, "tcp_time_wait", "TCP connections in TIME_WAIT", false, count(tcp_tw_pcbs));
    n = add(out, n, "tcp_listeners", "TCP sockets that listen", false, m.listeners);
    n = add(out, n, "udp_sockets", "UDP sockets", false, m.udp);
    n = add(out, n, "stack_memory_bytes", "Memory of the TCP/IP stack", false, m.used);
    n = add(out, n, "stack_memory_kept_bytes", "Memory that the stack keeps for the next packets", false, m.kept);
    n = add(out, n, "stack_memory_limit_bytes", "Limit of that memory", false, m.limit);
    return add(out, n, "stack_memory_refused", "Times that memory was refused", true, m.refused);
}

static unsigned add_cards(struct net_stat *out, unsigned n)
{
    struct netdev_stats sum = { 0 };
    uint64_t copied = 0, rx_refused = 0, tx_refused = 0;

    for (const struct net_card *card = net_card_list; card != NULL; card = card->next) {
        const struct netdev_stats *s = &card->dev->stats;
        sum.rx_frames += s->rx_frames;
        sum.rx_bytes += s->rx_bytes;
        sum.tx_frames += s->tx_frames;
        sum.tx_bytes += s->tx_bytes;
        sum.rx_dropped += s->rx_dropped;
        sum.rx_nobuf += s->rx_nobuf;
        sum.tx_dropped += s->tx_dropped;
        sum.interrupts += s->interrupts;
        sum.notifies += s->notifies;
        copied += card->rx_copied;
        rx_refused += card->rx_refused;
        tx_refused += card->tx_refused;
    }
    n = add(out, n, "frames_received", "Ethernet frames received", true, sum.rx_frames);
    n = add(out, n, "bytes_received", "Bytes in these frames", true, sum.rx_bytes);
    n = add(out, n, "frames_sent", "Ethernet frames sent", true, sum.tx_frames);
    n = add(out, n, "bytes_sent", "Bytes in these frames", true, sum.tx_bytes);
    n = add(out, n, "frames_malformed", "Frames the device gave in a wrong form", true,
            sum.rx_dropped);
    n = add(out, n, "ring_empty", "Times the receive ring ran out of buffers", true, sum.rx_nobuf);
    n = add(out, n, "frames_copied", "Received frames copied to free their buffers", true, copied);
    n = add(out, n, "frames_refused", "Received frames dropped for lack of memory", true,
            rx_refused);
    n = add(out, n, "frames_not_sent", "Frames that the transmit ring had no room for", true,
            tx_refused + sum.tx_dropped);
    n = add(out, n, "interrupts", "Interrupts of network devices", true, sum.interrupts);
    return add(out, n, "notifies", "Notifications of network devices: exits to the host", true,
               sum.notifies);
}

unsigned net_stats(struct net_stat out[NET_STATS_MAX])
{
    unsigned n = 0;

    _Static_assert(sizeof(counters) / sizeof(counters[0]) + 8 + 11 <= NET_STATS_MAX, "all fit");
    if (!net_started()) {
        return 0;
    }
    net_lock();
    for (; n < sizeof(counters) / sizeof(counters[0]); n++) {
        add(out, n, counters[n].name, counters[n].help, true, *counters[n].value);
    }
    n = add_memory(out, n);
    n = add_cards(out, n);
    net_unlock();
    return n;
}
