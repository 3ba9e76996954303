/*
 * sources: platform/xen/netfront.c platform/xen/netfront_rx.c platform/xen/netfront_tx.c
 * platform/xen/netfront_copy.c platform/xen/netfront_frame.c platform/xen/netfront_connect.c
 * platform/xen/netfront_probe.c libos/core/netdev_driver.c
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen's network front end against a backend in memory: waiting and being woken, being out of
 * buffers, a move to another host, the end; and backends that lie.
 */
#include <x86/probe.h>

#include "net_backend.h"

/* ---- events ---- */

static void test_events(void)
{
    uint8_t frame[60] = { 0 };
    for (unsigned k = 0; k < 2; k++) {
        struct netbuf *nb, out = { .data = data, .len = 60, .done = done }, *list = &out;
        backend_reset();
        option = k ? "nosplit" : NULL;
        start();
        card->ops->arm(card, false); /* whatever was before */
        card->ops->arm(card, false);
        events = 0;
        back_give(frame, 60, 60, 0, 0, NULL);
        EXPECT(events == 1);
        back_give(frame, 60, 60, 0, 0, NULL);
        EXPECT(events == 1 && card->ops->arm(card, false)); /* one call per arming */
        EXPECT(card->ops->receive(card, &nb, 1) == 1);
        card->ops->release(card, nb);
        EXPECT(card->ops->receive(card, &nb, 1) == 1);
        card->ops->release(card, nb);
        unsigned before = notified;
        EXPECT(card->ops->transmit(card, &list, 1) == 1 && notified == before + 1);
        EXPECT(!card->ops->arm(card, true));
        EXPECT(back_take(&sent));
        back_finish(&sent, 0, false);
        EXPECT(events == 2 && card->ops->reap(card) == 1);
        EXPECT(!card->ops->arm(card, false) && events == 2);
        /* Sixteen buffers are told of at once; one notification. */
        back.rx->req_event = back.rx->req_prod + 1;
        before = notified;
        for (unsigned i = 0; i < 16; i++) {
            back_give(frame, 60, 60, 0, 0, NULL);
            EXPECT(card->ops->receive(card, &nb, 1) == 1);
            card->ops->release(card, nb);
        }
        EXPECT(notified <= before + 1);
        stop();
    }
}

static void test_dry_and_full(void)
{
    static struct netbuf *lent[64], frames[300];
    struct netbuf *list[1];
    backend_reset();
    start();
    card->ops->arm(card, false);
    for (unsigned i = 0; i < 64; i++) {
        EXPECT(back_room() > 0);
        back_give(data, 60, 60, 0, 0, NULL);
        EXPECT(card->ops->receive(card, &lent[i], 1) == 1);
    }
    EXPECT(back_room() == 0 && card->rx_lent == 64 && card->stats.rx_nobuf == 1);
    events = 0;
    EXPECT(!card->ops->arm(card, false) && events == 0);
    card->ops->release(card, lent[0]);
    EXPECT(events == 1 && card->stats.rx_nobuf == 1);
    for (unsigned i = 1; i < 64; i++) {
        card->ops->release(card, lent[i]);
    }
    EXPECT(card->ops->receive(card, list, 1) == 0 && back_room() == 64 && card->rx_lent == 0);
    /* A full ring refuses; one out of which nothing goes swallows, after a while. */
    unsigned taken = 0;
    for (unsigned i = 0; i < 300; i++) {
        frames[i] = (struct netbuf){ .data = data, .len = 60, .done = done };
        list[0] = &frames[i];
        taken += (unsigned)card->ops->transmit(card, list, 1);
    }
    EXPECT(taken == 256 && done_count == 0);
    EXPECT(!card->ops->arm(card, true));
    events = 0;
    for (unsigned i = 0; i < 127; i++) {
        EXPECT(back_take(&sent));
        back_finish(&sent, 0, false);
    }
    EXPECT(events == 0 && back_take(&sent)); /* half of them is worth waking for */
    back_finish(&sent, 0, false);
    EXPECT(events == 1 && card->ops->reap(card) == 128);
    for (unsigned i = 0; i < 128; i++) {
        list[0] = &frames[i];
        EXPECT(card->ops->transmit(card, list, 1) == 1);
    }
    list[0] = &frames[299];
    EXPECT(card->ops->transmit(card, list, 1) == 0);
    now_ns += 6000000000ULL;
    done_count = 0;
    EXPECT(card->ops->transmit(card, list, 1) == 1 && done_count == 1 && warnings_logged == 1);
    EXPECT(!card->failed && card->stats.tx_dropped == 1);
    done_count = 0;
    stop();
    EXPECT(done_count == 256); /* the end of it: all come back */
}

/* ---- another host ---- */

static void test_resume(void)
{
    static struct netbuf frames[100];
    struct netbuf *list[1], *nb;
    backend_reset();
    start();
    for (unsigned i = 0; i < 100; i++) {
        data[i * 64] = (uint8_t)i;
        frames[i] = (struct netbuf){ .data = data + i * 64, .len = 60, .done = done };
        list[0] = &frames[i];
        EXPECT(card->ops->transmit(card, list, 1) == 1);
    }
    /* Some were answered, out of order; ids are in any order then. */
    for (unsigned i = 0; i < 20; i++) {
        EXPECT(back_take(&sent));
        back_finish(&sent, 0, false);
    }
    EXPECT(card->ops->reap(card) == 20);
    for (unsigned i = 0; i < 20; i++) {
        list[0] = &frames[i];
        EXPECT(card->ops->transmit(card, list, 1) == 1);
    }
    back_give(data, 60, 60, 0, 0, NULL);
    EXPECT(card->ops->receive(card, &nb, 1) == 1); /* lent over the move */
    /* Between the move and resume() whatever is in the rings says nothing. */
    generation++;
    back.rx->rsp_prod += 1000;
    back.tx->rsp_prod += 1000;
    card->ops->arm(card, true);
    EXPECT(!card->ops->arm(card, true) && card->ops->receive(card, list, 1) == 0);
    EXPECT(card->ops->reap(card) == 0 && !card->failed && card->link_up && errors_logged == 0);
    memset(ports, 0, sizeof(ports)); /* the new domain has none */
    ports_open = 0;
    done_count = 0;
    uint32_t announce = card->announce;
    card->ops->arm(card, false);
    card->ops->arm(card, false);
    events = 0;
    driver->resume(bus);
    back_map();
    EXPECT(card->announce == announce + 1 && events == 1 && card->link_up && !card->failed);
    for (unsigned i = 0; i < 100; i++) {
        EXPECT(back_take(&sent) && sent.data[0] == (i + 20) % 100);
        back_finish(&sent, 0, false);
    }
    EXPECT(card->ops->reap(card) == 100 && done_count == 100 && !back_take(&sent));
    card->ops->release(card, nb);
    back_give(data, 60, 60, 0, 0, NULL);
    EXPECT(card->ops->receive(card, &nb, 1) == 1);
    card->ops->release(card, nb);
    /* One that finds nobody there: an error, and all that was to be sent is done. */
    list[0] = &frames[0];
    EXPECT(card->ops->transmit(card, list, 1) == 1);
    memset(ports, 0, sizeof(ports));
    ports_open = 0;
    connect_state = -ETIMEDOUT;
    done_count = 0;
    driver->resume(bus);
    EXPECT(card->failed && done_count == 1 && card->ops->transmit(card, list, 1) == -EIO);
    EXPECT(card->ops->receive(card, &nb, 1) == 0);
    stop();
}

/* ---- backends that break the rules ---- */

static void expect_failed(void)
{
    struct netbuf out = { .data = data, .len = 60, .done = done }, *list = &out;
    unsigned was = done_count;
    EXPECT(card->failed && !card->link_up && errors_logged == 1);
    EXPECT(card->ops->transmit(card, &list, 1) == -EIO && done_count == was);
    EXPECT(card->ops->receive(card, &list, 1) == 0 && card->ops->reap(card) == 0);
    EXPECT(card->ops->arm(card, false) && !card->ops->arm(card, false));
    EXPECT(errors_logged == 1);
}

static void test_liars(void)
{
    for (unsigned lie = 0; lie < 11; lie++) {
        struct netbuf *nb, out = { .data = data, .len = 60, .done = done }, *list = &out;
        unsigned kept = 0;
        backend_reset();
        start();
        EXPECT(card->ops->transmit(card, &list, 1) == 1);
        uint32_t ref = back.tx->ring[0].req.gref;
        EXPECT(back_take(&sent));
        switch (lie) {
        case 0: /* more answers than there were requests */
            tx_answer(sent.id[0], 0);
            tx_answer(0, NETIF_RSP_NULL);
            tx_push();
            break;
        case 1:
            back.rx->rsp_prod = 65;
            break;
        case 2: /* an index that goes back */
            back.rx->rsp_prod = UINT32_MAX;
            break;
        case 3: /* an id of nothing */
            tx_answer((uint16_t)(sent.id[0] + 1), 0);
            tx_push();
            break;
        case 4:
            tx_answer(65535, 0);
            tx_push();
            break;
        case 5: /* twice */
            back_finish(&sent, 0, false);
            EXPECT(card->ops->reap(card) == 1);
            list = &out;
            EXPECT(card->ops->transmit(card, &list, 1) == 1 && back_take(&sent));
            back_finish(&sent, 0, false);
            EXPECT(card->ops->reap(card) == 1 && card->ops->transmit(card, &list, 1) == 1);
            EXPECT(card->ops->transmit(card, &list, 1) == 1 && back_take(&sent));
            tx_answer(sent.id[0], 0);
            tx_answer(sent.id[0], 0);
            tx_push();
            break;
        case 6: /* not the request's own place */
            rx_answer(0, 0, 60);
            back.rx->ring[(back.rx_seen - 1) % NETFRONT_RING].rsp.id ^= 1;
            rx_push();
            break;
        case 7: /* says that it has sent a frame, and looks at its page still */
            grants[ref].mapped = true;
            back_finish(&sent, 0, false);
            kept = 1;
            break;
        case 8: /* keeps one page after another */
            for (unsigned i = 0; i < 2 * NETFRONT_SPARE_REFS && !card->failed; i++) {
                grants[back.rx->ring[back.rx_seen % NETFRONT_RING].req.gref].mapped = true;
                rx_answer(0, 0, 60);
                rx_push();
                EXPECT(card->ops->receive(card, &nb, 1) == 0);
                kept++;
            }
            EXPECT(kept == NETFRONT_SPARE_REFS + 1 && pages_left == kept);
            break;
        default: /* a frame without an end: of pieces, or of extras */
            for (unsigned i = 0; i <= NETFRONT_RING; i++) {
                const struct netif_extra_info more = {.type = XEN_NETIF_EXTRA_TYPE_GSO,
                                                      .flags = XEN_NETIF_EXTRA_FLAG_MORE};
                rx_answer(0, lie == 9 ? NETRXF_more_data : NETRXF_extra_info, 60);
                if (lie == 10 && i > 0) {
                    memcpy(&back.rx->ring[(back.rx_seen - 1) % NETFRONT_RING], &more, sizeof(more));
                }
                rx_push();
                EXPECT(i == NETFRONT_RING || (card->ops->receive(card, &nb, 1) == 0 && !card->failed));
            }
            break;
        }
        card->ops->reap(card);
        EXPECT(card->ops->receive(card, &nb, 1) == 0);
        expect_failed();
        EXPECT(done_count >= (lie == 7 ? 0 : 1));
        if (lie == 7) {
            EXPECT(done_count == 0);
            grants[ref].mapped = false; /* it closes */
            kept = 0;
        }
        stop_keeping(kept);
        EXPECT(done_count >= 1);
    }
}

/* Its backend has closed, and nobody has taken it away. */
static void test_lost(void)
{
    for (unsigned given_up = 0; given_up < 2; given_up++) {
        struct netbuf out = { .data = data, .len = 60, .done = done }, *list = &out;
        backend_reset();
        start();
        EXPECT(card->ops->transmit(card, &list, 1) == 1);
        card->ops->arm(card, false);
        card->ops->arm(card, false);
        events = parted = 0;
        if (given_up) { /* already: no second line */
            back.rx->rsp_prod = 65;
            EXPECT(card->ops->receive(card, &list, 1) == 0);
        }
        driver->lost(bus);
        EXPECT(events == 1 && parted == 1 && done_count == 1);
        expect_failed();
        stop();
    }
}

/* Whatever a backend writes into the rings: no fault, no buffer lost, an end that works. */
static void test_mutations(void)
{
    unsigned failed = 0, came = 0;
    for (unsigned round = 0; round < 3000; round++) {
        static struct netbuf out[40];
        struct netbuf *nb, *lent = NULL, *list;
        backend_reset();
        tree_set("trusted", round % 3 != 0);
        option = round % 4 == 0 ? "nosg" : round % 4 == 1 ? "nosplit" : NULL;
        start();
        unsigned given = 0;
        for (unsigned step = 0; step < 40 && !card->failed; step++) {
            out[step] = (struct netbuf){
                .data = data + below(9000), .len = 14 + below(1500), .done = done };
            list = &out[step];
            given += card->ops->transmit(card, &list, 1) == 1;
            if (back.tx->req_prod != back.tx_done && below(8) != 0) {
                struct netif_tx_request req = back.tx->ring[back.tx_done % NETFRONT_RING].req;
                int16_t status = (int16_t)(below(5) - 2 + 2 * (below(3) != 0));
                tx_answer(below(150) == 0 ? (uint16_t)below(300) : req.id, status);
                tx_push();
            }
            if (!card->failed && back_room() > 0) {
                if (below(4) == 0) {
                    randomise(rx_page(back.rx_seen), 100);
                }
                uint64_t raw = unit_random(&seed);
                rx_answer((uint16_t)(below(3) == 0 ? raw : 0), (uint16_t)(below(2) ? raw >> 16 : 0),
                          (int16_t)(below(3) == 0 ? raw >> 32 : 60 + below(1000)));
                rx_push();
            }
            if (below(200) == 0) {
                uint32_t *index = below(2) ? &back.rx->rsp_prod : &back.tx->rsp_prod;
                *index = (uint32_t)unit_random(&seed);
            }
            if (card->ops->receive(card, &nb, 1) == 1) {
                came++;
                for (struct netbuf *p = nb; p != NULL; p = p->next) {
                    EXPECT(p->len > 0 && p->len <= p->capacity && p->capacity <= PAGE_SIZE);
                    memset(p->data, 1, p->capacity); /* the sanitizer looks */
                }
                if (lent != NULL) {
                    card->ops->release(card, lent);
                }
                lent = nb;
            }
            card->ops->arm(card, true);
        }
        failed += card->failed;
        EXPECT(errors_logged <= 1);
        if (lent != NULL) {
            card->ops->release(card, lent);
        }
        stop();
        EXPECT(done_count == given);
    }
    EXPECT(failed > 300 && failed < 2900 && came > 1000);
}

int main(void)
{
    fake_cpu_init();
    test_events();
    test_dry_and_full();
    test_resume();
    test_liars();
    test_lost();
    test_mutations();
    return unit_done();
}
