/* sources: LWIP */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes in bulk through the whole stack, both ends of it: the neighbour is a mirror that sends each
 * segment back with the addresses swapped, so that the stack talks to itself over a cable that
 * loses, doubles and swaps. What arrives is what was sent, no more is sent than TCP needs, the
 * queues are in order at each step, and no memory stays.
 */
#include "unit.h"

#include "net_ends.h"

/* `tso`: how long a segment the interface takes; 0: none that is longer than the MTU. */
static void test_transfers(bool v6, uint16_t tso)
{
    static const struct {
        const char *name;
        struct spoiling how;
        uint32_t forth, back;
        double at_most; /* bytes sent for one that was needed */
    } runs[] = {
        { "good cable", { 0 }, 3000000, 0, 1.0 },
        { "good cable, both ways", { 0 }, 1000000, 1000000, 1.01 },
        { "0.1% lost", { .loss = 1 }, 4000000, 0, 1.01 },
        { "1% lost", { .loss = 10 }, 4000000, 0, 1.05 },
        { "3% lost", { .loss = 30 }, 2000000, 0, 1.15 },
        { "3% lost, both ways", { .loss = 30, .swap = 20, .twice = 10 }, 700000, 700000, 1.25 },
        { "swapped and doubled", { .swap = 100, .twice = 50 }, 1000000, 300000, 1.25 },
    };

    for (unsigned i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        struct net_memory_stats before, after;
        net_memory_stats(&before);
        nocopy = i % 2 ? 4 : 0;
        longest_segment = longest_read = 0;
        net_card_list->netif.tso_max = tso;
        double cost = transfer(v6, runs[i].forth, runs[i].back, &runs[i].how);
        printf("IPv%c, %s: %.4f bytes sent for one, segments up to %u\n", v6 ? '6' : '4', runs[i].name,
               cost, longest_segment);
        /* a plain card's segments are cut before they come to it: the mirror sees that none is long */
        uint16_t most = mirror_plain ? 0 : tso;
        EXPECT(longest_segment <= most && (runs[i].how.loss > 1 || longest_segment >= most / 4));
        EXPECT(cost <= runs[i].at_most + 1e-9);
        EXPECT(longest_read > 2000); /* short segments that follow each other are put together */
        finish_both();
        net_memory_stats(&after);
        EXPECT(after.tcp == before.tcp && after.segments == 0 && after.used == before.used);
        EXPECT(fake_dev.rx_lent == 0);
    }
}

/* A card that takes less, or nothing, from one moment to the next, as after a move to another host. */
static void test_fickle(bool v6, uint16_t tso)
{
    fickle = true;
    double cost = transfer(v6, 4000000, 500000, &(struct spoiling){ 0 });
    printf("IPv%c, a fickle card: %.4f bytes sent for one\n", v6 ? '6' : '4', cost);
    fickle = false;
    fake_dev.tso_max = 65535;
    EXPECT(net_card_list->tx_refused == 0 && longest_segment > 20000);
    net_card_list->netif.tso_max = tso;
    finish_both();
    EXPECT(fake_dev.rx_lent == 0);
}

int main(void)
{
    ends_start();
    mirror_acquaint();
    fake_sleep(3000);
    uint16_t tso = net_card_list->netif.tso_max;
    EXPECT(tso > 65000);
    for (int v6 = 0; v6 < 2; v6++) {
        test_transfers(v6, 0);
        test_transfers(v6, tso);
        test_transfers(v6, 10000);
        test_fickle(v6, tso);
    }
    mirror_plain = true;
    fake_dev.tx_csum = false;
    fake_dev.tso_max = 0;
    NETIF_SET_CHECKSUM_CTRL(&net_card_list->netif, NETIF_CHECKSUM_ENABLE_ALL);
    test_transfers(false, tso);
    test_transfers(true, tso);
    return unit_done();
}
