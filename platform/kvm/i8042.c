/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The i8042 keyboard controller, for Ctrl-Alt-Del alone: Firecracker's SendCtrlAltDel, QEMU's
 * sendkey.
 *
 * Source: Intel 8042 in the PC/AT; Firecracker src/vmm/src/devices/legacy/i8042.rs, which pushes
 * set 2's bytes without translation; QEMU hw/input/pckbd.c.
 */
#include <kvm/stop_listen.h>

#include <stddef.h>

#include <kvm/ioapic.h>
#include <pith/platform.h>
#include <x86/cpu.h>
#include <x86/irq.h>

#define DATA    0x60
#define STATUS  0x64 /* read */
#define COMMAND 0x64 /* write */

#define STATUS_OUTPUT 0x01 /* a byte for us is there */
#define STATUS_INPUT  0x02 /* it has not taken our last byte yet */
#define STATUS_MOUSE  0x20 /* the byte is the mouse's */

#define READ_CONFIG  0x20
#define WRITE_CONFIG 0x60
#define CONFIG_IRQ      0x01
#define CONFIG_DISABLED 0x10

#define KEYBOARD_IRQ 1
#define TRIES        1000 /* an emulated controller answers at once */
#define BYTES_MAX    64   /* per interrupt; a controller's buffer has 16 */

static struct keyboard keyboard; /* the interrupt's own */

/* Wait for (status & bits) == want; false when it doesn't come. */
static bool wait_status(uint8_t bits, uint8_t want)
{
    for (unsigned i = 0; i < TRIES; i++) {
        if ((inb(STATUS) & bits) == want) {
            return true;
        }
        cpu_relax();
    }
    return false;
}

static void keyboard_interrupt(void *arg)
{
    (void)arg;
    bool pressed = false;
    for (unsigned i = 0; i < BYTES_MAX; i++) {
        uint8_t status = inb(STATUS);
        if (!(status & STATUS_OUTPUT)) {
            break;
        }
        uint8_t byte = inb(DATA);
        pressed |= !(status & STATUS_MOUSE) && keyboard_feed(&keyboard, byte);
    }
    if (pressed) {
        stop_requested();
    }
}

/* Throw away what has been typed, and have the next byte raise the interrupt. */
static bool enable(void)
{
    for (unsigned i = 0; i < BYTES_MAX && (inb(STATUS) & STATUS_OUTPUT); i++) {
        inb(DATA);
    }
    if (!wait_status(STATUS_INPUT, 0)) {
        return false;
    }
    outb(COMMAND, READ_CONFIG);
    if (!wait_status(STATUS_OUTPUT, STATUS_OUTPUT)) {
        return false;
    }
    uint8_t config = (uint8_t)((inb(DATA) | CONFIG_IRQ) & ~CONFIG_DISABLED);
    if (!wait_status(STATUS_INPUT, 0)) {
        return false;
    }
    outb(COMMAND, WRITE_CONFIG);
    if (!wait_status(STATUS_INPUT, 0)) {
        return false;
    }
    outb(DATA, config);
    return true;
}

bool i8042_listen(void)
{
    if (inb(STATUS) == 0xff) {
        return false; /* nobody answers at this port */
    }
    int vector = irq_alloc(IRQ_CLASS_LOW, keyboard_interrupt, NULL);
    if (vector < 0) {
        return false;
    }
    if (ioapic_route_isa(KEYBOARD_IRQ, (unsigned)vector) < 0 || !enable()) {
        ioapic_mask_gsi(KEYBOARD_IRQ);
        irq_free((unsigned)vector);
        return false;
    }
    return true;
}
