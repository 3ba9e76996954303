/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An hour of a store's traffic, by formula: keys that are set, replaced and expire, tables that double, clients with
 * their buffers, and three times other sizes of values, which is what leaves holes. What the machine has less than
 * before it is what malloc holds.
 */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>

#define KEYS        40000u
#define SETS        60u   /* a second */
#define CLIENTS     64u
#define SECONDS_MAX 7200u
#define SAMPLE      60u   /* seconds */
#define PAGE        4096u
#define NONE        UINT32_MAX

/* A block and its size, which is what is in use. */
struct block {
    char *at;
    uint32_t size;
};

static struct key {
    struct block name, entry, value;
    uint32_t version; /* of the last time it was set: a ticket of an older one is void */
} keys[KEYS];

/* Each set of a key that expires makes a ticket, in the list of the second when that is. */
static struct ticket {
    uint32_t key, version, next;
} tickets[SETS * SECONDS_MAX];

static uint32_t expire_at[SECONDS_MAX + 1];
static uint32_t ntickets;

static struct client {
    struct block state, query, reply;
    unsigned until;
} clients[CLIENTS];

static struct draw numbers = { 88172645463325252u };
static uint64_t in_use;      /* bytes that were asked for */
static uint64_t operations;  /* blocks taken and given back */

static void take(struct block *b, size_t size)
{
    b->at = malloc(size);
    b->size = (uint32_t)size;
    if (b->at == NULL) {
        puts("heap: out of memory");
        exit(1);
    }
    for (size_t i = 0; i < size; i += PAGE) {
        ((volatile char *)b->at)[i] = 1;
    }
    ((volatile char *)b->at)[size - 1] = 1;
    in_use += size;
    operations++;
}

static void give(struct block *b)
{
    if (b->at != NULL) {
        free(b->at);
        b->at = NULL;
        in_use -= b->size;
        operations++;
    }
}

/* Small ones are many, large ones few; each third of the time all are half as large again. */
static size_t value_size(unsigned second, unsigned seconds)
{
    unsigned kind = draw_below(&numbers, 100);
    size_t size = kind < 60 ? 8 + draw_below(&numbers, 56)
                : kind < 85 ? 64 + draw_below(&numbers, 448)
                : kind < 97 ? 512 + draw_below(&numbers, 3584) : 4096 + draw_below(&numbers, 28672);
    for (unsigned third = second * 3 / seconds; third > 0; third--) {
        size += size / 2;
    }
    return size;
}

static void forget(struct key *k)
{
    give(&k->name);
    give(&k->entry);
    give(&k->value);
}

static void expire(unsigned second)
{
    for (uint32_t t = expire_at[second]; t != NONE; t = tickets[t].next) {
        struct key *k = &keys[tickets[t].key];
        if (k->version == tickets[t].version) {
            forget(k);
        }
    }
}

static void set(unsigned second, unsigned seconds)
{
    uint32_t i = draw_below(&numbers, KEYS);
    struct key *k = &keys[i];
    if (k->name.at == NULL) {
        take(&k->name, 12 + draw_below(&numbers, 36));
        take(&k->entry, 24);
    }
    give(&k->value);
    take(&k->value, 19 + value_size(second, seconds));
    k->version++;
    unsigned kind = draw_below(&numbers, 10);
    unsigned life = kind < 5 ? 30 + draw_below(&numbers, 270) : kind < 8 ? 600 + draw_below(&numbers, 1200) : seconds;
    if (second + life < seconds) {
        tickets[ntickets] = (struct ticket){ i, k->version, expire_at[second + life] };
        expire_at[second + life] = ntickets++;
    }
}

static void serve_clients(unsigned second)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *c = &clients[i];
        if (c->state.at != NULL && c->until <= second) {
            give(&c->reply);
            give(&c->query);
            give(&c->state);
        } else if (c->state.at == NULL && draw_below(&numbers, 8) == 0) {
            take(&c->state, 720);
            take(&c->query, 16384 + 19);
            take(&c->reply, 16384);
            c->until = second + 1 + draw_below(&numbers, 20);
        }
    }
}

/* The table of keys doubles now and then: a new one beside the old one, which goes when all have moved. */
static void resize_table(unsigned second, unsigned seconds)
{
    static struct block table[2];
    if (seconds < 12 || second % (seconds / 12) != 0) {
        return;
    }
    give(&table[1]);
    table[1] = table[0];
    take(&table[0], 65536u << (second * 6 / seconds));
}

static uint64_t free_memory(void)
{
    struct sysinfo info;
    sysinfo(&info);
    return (uint64_t)info.freeram * info.mem_unit;
}

void run_traffic(unsigned seconds)
{
    double worst = 0, sum = 0;
    unsigned samples = 0;
    uint64_t held = 0;
    if (seconds == 0 || seconds > SECONDS_MAX) {
        return;
    }
    for (unsigned i = 0; i <= SECONDS_MAX; i++) {
        expire_at[i] = NONE;
    }
    /* The memory of what is ours alone is touched before it counts. */
    for (size_t i = 0; i < sizeof(tickets) / sizeof(tickets[0]); i += PAGE / sizeof(tickets[0]) / 2) {
        tickets[i].next = NONE;
    }
    for (size_t i = 0; i < KEYS; i++) {
        keys[i].version = 1;
    }
    uint64_t before = free_memory(), took = 0;
    for (unsigned second = 0; second < seconds; second++) {
        uint64_t start = ticks();
        expire(second);
        for (unsigned i = 0; i < SETS; i++) {
            set(second, seconds);
        }
        serve_clients(second);
        resize_table(second, seconds);
        took += ticks() - start;
        if (second % SAMPLE == SAMPLE - 1 && second >= seconds / 20) {
            held = before - free_memory();
            double ratio = (double)held / (double)in_use;
            worst = ratio > worst ? ratio : worst;
            sum += ratio;
            samples++;
        }
    }
    printf("heap traffic_operation %.1f\n", (double)took / (double)operations);
    if (samples > 0) {
        printf("heap traffic_held_percent %.1f\n", 100 * sum / samples);
        printf("heap traffic_held_worst_percent %.1f\n", 100 * worst);
    }
    printf("heap traffic_held_mib %.2f\n", (double)held / (1 << 20));
    printf("heap traffic_in_use_mib %.2f\n", (double)in_use / (1 << 20));
    for (unsigned i = 0; i < KEYS; i++) {
        forget(&keys[i]);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        give(&clients[i].reply);
        give(&clients[i].query);
        give(&clients[i].state);
    }
    held = before - free_memory();
    printf("heap traffic_kept_mib %.2f\n", (double)(int64_t)held / (1 << 20));
}
