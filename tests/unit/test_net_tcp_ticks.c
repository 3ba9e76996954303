/* sources: LWIP */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP's timers: an idle connection has none, and what needs one has it in time, also after hours in
 * which the stack's clock stood still.
 */
#include "unit.h"

#include "fake_net.h"
#include "net_frames.h"
#include "no_sockets.h"

#include <lwip/opt.h>

#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include "net.h"

#define PORT 7u
#define MANY 300u
#define LONG_MS 2000000u /* idle */

static struct tcp_pcb *accepted; /* the last one */
static unsigned errors_told;
static unsigned segments, resets; /* that the stack has sent */
static uint32_t their_seq, their_ack;
static unsigned their_len;

static const char *fake_option(const char *name)
{
    return strcmp(name, "ip") == 0 ? "10.0.0.2/24,gw=10.0.0.1" : NULL;
}

static void on_sent(const uint8_t *data, unsigned len)
{
    if (get16(data + 12) != 0x0800 || data[23] != 6) {
        return;
    }
    segments++;
    resets += (data[47] & 4) != 0;
    their_seq = get32(data + 38);
    their_ack = get32(data + 42);
    their_len = len - 34 - (data[46] >> 4) * 4u;
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg;
    (void)err;
    if (p != NULL) {
        tcp_recved(pcb, p->tot_len);
        pbuf_free(p);
    }
    return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
    (void)arg;
    (void)err;
    errors_told++;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    EXPECT(err == ERR_OK);
    accepted = pcb;
    tcp_recv(pcb, on_recv);
    tcp_err(pcb, on_error);
    return ERR_OK;
}

static void give(const struct frame *f)
{
    EXPECT(fake_arrive(f->data, f->len, 0, 0));
    fake_run();
}

/* The neighbour is known, so that what is sent goes at once. */
static void know(void)
{
    struct frame f;
    make_arp(&f, 1);
    give(&f);
}

static void segment(unsigned port, uint32_t seq, uint32_t ack, unsigned flags, unsigned size)
{
    struct frame f;
    know();
    make_tcp(&f, false, port, PORT, seq, ack, flags, "", 0, size);
    give(&f);
}

/* A connection of the neighbour's port; its next byte is 1001, ours their_seq + 1. */
static struct tcp_pcb *open_one(unsigned port)
{
    segment(port, 1000, 0, 2, 0);
    their_seq++;
    segment(port, 1001, their_seq, 0x10, 0);
    EXPECT(accepted != NULL && accepted->remote_port == port && accepted->state == ESTABLISHED);
    return accepted;
}

static void drop(struct tcp_pcb *pcb)
{
    net_lock();
    tcp_abort(pcb);
    net_unlock();
}

static void test_idle(void)
{
    static struct tcp_pcb *all[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        all[i] = open_one(10000 + i);
    }
    fake_sleep(1000);
    EXPECT(net_tcp_ticked == NULL && net_tcp_kept == NULL);
    unsigned before = segments;
    fake_sleep(10000);
    EXPECT(segments == before);
    /* One that wakes is alone on the list. */
    segment(10005, 1001, their_seq, 0x18, 10);
    EXPECT(net_tcp_ticked == all[5] && all[5]->tick_next == NULL);
    fake_sleep(1000);
    EXPECT(net_tcp_ticked == NULL);
    for (unsigned i = 0; i < MANY; i++) {
        drop(all[i]);
    }
}

/* Data is acknowledged in time, and sent again in time, though the clock stood still before. */
static void test_after_long(void)
{
    struct tcp_pcb *pcb = open_one(20000);
    uint32_t seq = their_seq;
    fake_sleep(LONG_MS);
    unsigned before = segments;
    segment(20000, 1001, seq, 0x18, 10);
    EXPECT(segments == before);
    fake_sleep(250);
    EXPECT(segments == before + 1 && their_ack == 1011);

    fake_sleep(LONG_MS);
    know();
    net_lock();
    EXPECT(tcp_write(pcb, "hello", 5, TCP_WRITE_FLAG_COPY) == ERR_OK && tcp_output(pcb) == ERR_OK);
    net_unlock();
    fake_run();
    EXPECT(segments == before + 2 && their_len == 5);
    fake_sleep(100);
    EXPECT(segments == before + 2);
    fake_sleep(2500);
    EXPECT(segments > before + 2 && segments < before + 7 && their_len == 5);
    segment(20000, 1011, seq + 5, 0x10, 0);
    EXPECT(pcb->unacked == NULL);
    /* What time has passed before was no round trip. */
    for (unsigned i = 0; i < 3; i++) {
        fake_sleep(LONG_MS);
        know();
        net_lock();
        tcp_write(pcb, "again", 5, TCP_WRITE_FLAG_COPY);
        tcp_output(pcb);
        net_unlock();
        fake_run();
        segment(20000, 1011, seq + 10 + 5 * i, 0x10, 0);
    }
    EXPECT(pcb->rto * TCP_SLOW_INTERVAL < 3000);
    drop(pcb);
}

/* Half-open, after a long time without any connection: it stays as long as it should. */
static void test_half_open(void)
{
    fake_sleep(LONG_MS);
    segment(21000, 1000, 0, 2, 0);
    EXPECT(tcp_active_pcbs != NULL && tcp_active_pcbs->state == SYN_RCVD);
    fake_sleep(10000);
    EXPECT(tcp_active_pcbs != NULL);
    fake_sleep(60000);
    EXPECT(tcp_active_pcbs == NULL && net_tcp_ticked == NULL);
}

static void test_keepalive(void)
{
    struct tcp_pcb *pcb = open_one(22000);
    uint32_t seq = their_seq;
    net_lock();
    ip_set_option(pcb, SOF_KEEPALIVE);
    pcb->keep_idle = 60000;
    pcb->keep_intvl = 2000;
    pcb->keep_cnt = 3;
    net_tcp_tick(pcb);
    net_unlock();
    unsigned before = segments;
    errors_told = resets = 0;
    fake_sleep(1000);
    EXPECT(net_tcp_ticked == NULL && net_tcp_kept == pcb);
    fake_sleep(57000);
    EXPECT(segments == before);
    fake_sleep(4000);
    EXPECT(segments > before && segments < before + 3 && their_len == 0 && their_seq == seq - 1);
    segment(22000, 1001, seq, 0x10, 0); /* it answers: all begins anew */
    before = segments;
    fake_sleep(1000);
    EXPECT(net_tcp_kept == pcb);
    fake_sleep(57000);
    EXPECT(segments == before);
    EXPECT(errors_told == 0);
    fake_sleep(12000); /* it does not */
    EXPECT(segments > before + 2);
    EXPECT(errors_told == 1 && resets > 0);
    EXPECT(tcp_active_pcbs == NULL && net_tcp_ticked == NULL && net_tcp_kept == NULL);
}

/* One that is reset while it is kept leaves the list. */
static void test_kept_reset(void)
{
    struct tcp_pcb *pcb = open_one(22001);
    ip_set_option(pcb, SOF_KEEPALIVE);
    net_tcp_tick(pcb);
    fake_sleep(1000);
    EXPECT(net_tcp_kept == pcb);
    segment(22001, 1001, their_seq, 0x14, 0);
    EXPECT(tcp_active_pcbs == NULL && net_tcp_kept == NULL && net_tcp_ticked == NULL);
}

/* Where the program has shut down, the peer may take his time; where it has closed, not. */
static void test_fin_wait(void)
{
    struct tcp_pcb *pcb = open_one(23000);
    net_lock();
    EXPECT(tcp_shutdown(pcb, 0, 1) == ERR_OK);
    net_unlock();
    fake_run();
    segment(23000, 1001, their_seq + 1, 0x10, 0);
    EXPECT(pcb->state == FIN_WAIT_2);
    fake_sleep(LONG_MS);
    EXPECT(tcp_active_pcbs == pcb && net_tcp_ticked == NULL);
    segment(23000, 1001, their_seq + 1, 0x18, 4); /* as if it had just come here */
    net_lock();
    tcp_recv(pcb, NULL);
    tcp_close(pcb);
    net_unlock();
    EXPECT(net_tcp_ticked == pcb);
    fake_sleep(15000);
    EXPECT(tcp_active_pcbs == pcb);
    fake_sleep(10000);
    EXPECT(tcp_active_pcbs == NULL && net_tcp_ticked == NULL);
}

static void test_time_wait(void)
{
    fake_sleep(LONG_MS);
    for (unsigned i = 0; i < 3; i++) {
        struct tcp_pcb *pcb = open_one(24000 + i);
        net_lock();
        tcp_recv(pcb, NULL);
        EXPECT(tcp_close(pcb) == ERR_OK);
        net_unlock();
        fake_run();
        segment(24000 + i, 1001, their_seq + 1, 0x11, 0);
        EXPECT(pcb->state == TIME_WAIT);
        fake_sleep(10000);
    }
    EXPECT(net_tcp_ticked == NULL && tcp_tw_pcbs != NULL && tcp_tw_pcbs->remote_port == 24000);
    fake_sleep(28000);
    EXPECT(tcp_tw_pcbs != NULL && tcp_tw_pcbs->remote_port == 24000);
    fake_sleep(5000);
    EXPECT(tcp_tw_pcbs != NULL && tcp_tw_pcbs->remote_port == 24001);
    fake_sleep(25000);
    EXPECT(tcp_tw_pcbs == NULL);
}

int main(void)
{
    fake_on_sent = on_sent;
    EXPECT(net_start() == 0 && fake_engine != NULL);
    net_lock();
    struct tcp_pcb *t = tcp_new_ip_type(IPADDR_TYPE_ANY);
    EXPECT(tcp_bind(t, IP_ANY_TYPE, PORT) == ERR_OK);
    tcp_accept(tcp_listen(t), on_accept);
    net_unlock();
    fake_sleep(3000);
    test_idle();
    test_after_long();
    test_half_open();
    test_keepalive();
    test_kept_reset();
    test_fin_wait();
    test_time_wait();
    return unit_done();
}
