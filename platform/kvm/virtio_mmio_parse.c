/* SPDX-License-Identifier: BSD-2-Clause */
/* `virtio_mmio.device=4K@0xc0001000:5` to numbers. */
#include <kvm/virtio_mmio_parse.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/*
 * A number, decimal or 0x, at *s, which moves behind it; false when there is none or it is too big.
 */
static bool number(const char **s, uint64_t *out)
{
    int base = 10;
    const char *p = *s;
    if (p[0] == '0' && (p[1] | 0x20) == 'x') {
        base = 16;
        p += 2;
    }
    const char *first = p;
    uint64_t v = 0;
    for (; digit(*p) < base; p++) {
        if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
            __builtin_add_overflow(v, (uint64_t)digit(*p), &v)) {
            return false;
        }
    }
    *s = p;
    *out = v;
    return p != first;
}

static bool place(const char *s, struct virtio_mmio_place *out)
{
    uint64_t gsi;
    unsigned shift = 0;
    if (!number(&s, &out->len)) {
        return false;
    }
    if ((*s | 0x20) == 'k' || (*s | 0x20) == 'm') {
        shift = (*s | 0x20) == 'k' ? 10 : 20;
        s++;
    }
    if (out->len == 0 || out->len > UINT32_MAX >> shift || *s++ != '@') {
        return false;
    }
    out->len <<= shift;
    if (!number(&s, &out->base) || *s++ != ':' || !number(&s, &gsi)) {
        return false;
    }
    out->gsi = (uint32_t)gsi;
    return gsi <= UINT16_MAX && out->base != 0 && (is_blank(*s) || *s == ':');
}

int virtio_mmio_parse(const char *text, unsigned i, struct virtio_mmio_place *out)
{
    static const char word[] = "virtio_mmio.device=";
    for (const char *p = text; *p != '\0'; p++) {
        if ((p == text || is_blank(p[-1])) && strncmp(p, word, sizeof word - 1) == 0 &&
            place(p + sizeof word - 1, out) && i-- == 0) {
            return 0;
        }
    }
    return -ENOENT;
}
