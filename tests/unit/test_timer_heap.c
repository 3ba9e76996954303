/* sources: libos/core/timer_heap.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The timers' heap against a plain array: order, removal of any element, many elements. */
#include "libos/core/timer_heap.h"

#include "unit.h"

#define COUNT 300

static struct timer timers[COUNT];
static int inside[COUNT];

/* The links agree with each other and no child is earlier than its parent. Returns how many there are. */
static unsigned check(const struct timer *node, const struct timer *parent)
{
    unsigned n = 1;
    const struct timer *left = NULL;

    for (const struct timer *c = node->child; c != NULL; left = c, c = c->next) {
        EXPECT(c->deadline_ns >= node->deadline_ns);
        EXPECT(c->prev == (left != NULL ? left : node));
        n += check(c, node);
    }
    EXPECT(parent != NULL || (node->prev == NULL && node->next == NULL));
    return n;
}

static uint64_t earliest(void)
{
    uint64_t min = UINT64_MAX;

    for (int i = 0; i < COUNT; i++) {
        if (inside[i] && timers[i].deadline_ns < min) {
            min = timers[i].deadline_ns;
        }
    }
    return min;
}

static void test_random_operations(uint64_t range)
{
    uint64_t seed = range + 1;
    struct timer *root = NULL;
    unsigned n = 0;

    memset(inside, 0, sizeof(inside));
    for (int round = 0; round < 20000 && unit_failed == 0; round++) {
        unsigned i = unit_random(&seed) % COUNT;
        if (unit_random(&seed) % 4 == 0 && root != NULL) {
            i = (unsigned)(root - timers); /* the earliest, as the interrupt does */
        }
        if (inside[i]) {
            root = timer_heap_remove(root, &timers[i]);
            n--;
        } else {
            timers[i].deadline_ns = unit_random(&seed) % range;
            root = timer_heap_insert(root, &timers[i]);
            n++;
        }
        inside[i] = !inside[i];
        EXPECT((root == NULL) == (n == 0));
        EXPECT(root == NULL || root->deadline_ns == earliest());
        if (round % 64 == 0 && root != NULL) {
            EXPECT(check(root, NULL) == n);
        }
    }
}

static void test_sorts(void)
{
    struct timer *root = NULL;
    uint64_t seed = 7, last = 0;

    for (int i = 0; i < COUNT; i++) {
        timers[i].deadline_ns = unit_random(&seed);
        root = timer_heap_insert(root, &timers[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        EXPECT(root != NULL && root->deadline_ns >= last);
        last = root->deadline_ns;
        root = timer_heap_remove(root, root);
    }
    EXPECT(root == NULL);
}

int main(void)
{
    test_random_operations(1000000);
    test_random_operations(3); /* many equal deadlines */
    test_sorts();
    return unit_done();
}
