/* sources: platform/kvm/acpi_event_parse.c platform/kvm/acpi_parse.c platform/kvm/keyboard.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Ctrl-Alt-Del in both scan code sets, and the power button in sound, cut and mutated tables. */
#include <stdlib.h>

#include <kvm/acpi_parse.h>
#include <kvm/stop_listen.h>

#include "unit.h"

/* How often the bytes complete Ctrl-Alt-Del. */
static unsigned feed(const char *bytes, size_t n)
{
    struct keyboard k = { .ctrl1 = false };
    unsigned count = 0;
    for (size_t i = 0; i < n; i++) {
        count += keyboard_feed(&k, (uint8_t)bytes[i]);
    }
    return count;
}

#define FEED(s) feed(s, sizeof(s) - 1)

static void keys(void)
{
    EXPECT(FEED("\x1d\x38\xe0\x53") == 1);             /* set 1 */
    EXPECT(FEED("\xe0\x1d\xe0\x38\xe0\x53") == 1);     /* the right-hand keys */
    EXPECT(FEED("\x14\x11\xe0\x71") == 1);             /* set 2, as Firecracker sends it */
    EXPECT(FEED("\x38\x1d\xe0\x53\xe0\xd3\xe0\x53") == 2);
    EXPECT(FEED("\x1d\x38\xb8\xe0\x53") == 0);         /* Alt was let go */
    EXPECT(FEED("\x14\x11\xf0\x14\xe0\x71") == 0);     /* Ctrl was */
    EXPECT(FEED("\x1d\x38\xe0\xd3") == 0);             /* Delete let go, not pressed */
    EXPECT(FEED("\x14\x11\xe0\xf0\x71") == 0);
    EXPECT(FEED("\x1d\x38\x53") == 0);                 /* the keypad's point */
    EXPECT(FEED("\x1d\xe0\x53\x14\xe0\x71") == 0);     /* without Alt */
    EXPECT(FEED("\x14\x11\xe0\x53") == 0 && FEED("\x1d\x38\xe0\x71") == 0); /* mixed sets */
}

static void make_fadt(uint8_t *t)
{
    memset(t, 0, 244);
    t[46] = 9;                  /* SCI_INT */
    t[56] = 0x00, t[57] = 0x06; /* PM1a event block at 0x600 */
    t[88] = 4;
}

static void fadt(void)
{
    uint8_t *t = malloc(244);
    struct acpi_pm1_event e;
    make_fadt(t);
    EXPECT(acpi_parse_pm1_event(t, 244, &e) == 0);
    EXPECT(e.status == 0x600 && e.enable == 0x602 && e.irq == 9);
    t[148] = 1, t[152] = 0x00, t[153] = 0x07; /* the extended address counts */
    EXPECT(acpi_parse_pm1_event(t, 244, &e) == 0 && e.status == 0x700);
    t[88] = 2;
    EXPECT(acpi_parse_pm1_event(t, 244, &e) < 0);
    make_fadt(t);
    t[112] = 1 << 4; /* the button is a device of the DSDT */
    EXPECT(acpi_parse_pm1_event(t, 244, &e) < 0);
    t[112] = 0, t[114] = 1 << 4; /* a machine with reduced hardware */
    EXPECT(acpi_parse_pm1_event(t, 244, &e) < 0);
    make_fadt(t);
    t[46] = 30;
    EXPECT(acpi_parse_pm1_event(t, 244, &e) < 0);
    free(t);
    t = calloc(1, 100);
    EXPECT(acpi_parse_pm1_event(t, 100, &e) < 0);
    free(t);
}

static const char ged_bytes[] =
    "....................................GED_\x08_HID\x0d" "ACPI0013\0\x08_UID\x0d" "GED\0\x08_CRS\x11\x0e"
    "\x0a\x0b\x89\x06\x00\x03\x01\x09\x00\x00\x00\x79\x00\x5b\x80" "EREG\0\x0c\x00\x00\xa0\xfe\x0a\x04"
    "\x5b\x81";

static void ged(void)
{
    size_t len = sizeof(ged_bytes);
    struct acpi_ged g;
    EXPECT(acpi_parse_ged(ged_bytes, len, &g) == 0 && g.gsi == 9 && g.selector == 0xfea00000);
    for (size_t n = 36; n + 6 < len; n++) { /* cut anywhere, in memory of that size */
        uint8_t *t = malloc(n);
        memcpy(t, ged_bytes, n);
        int r = acpi_parse_ged(t, n, &g);
        EXPECT(r == 0 || r < 0);
        free(t);
    }
    uint64_t seed = 1;
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t *t = malloc(len);
        memcpy(t, ged_bytes, len);
        for (int k = 0; k < 3; k++) {
            t[36 + unit_random(&seed) % (len - 36)] = (uint8_t)unit_random(&seed);
        }
        if (acpi_parse_ged(t, len, &g) == 0) {
            EXPECT(g.selector != 0 && g.selector % 4 == 0);
        }
        free(t);
    }
}

int main(void)
{
    keys();
    fadt();
    ged();
    return unit_done();
}
