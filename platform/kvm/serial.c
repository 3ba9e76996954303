/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A 16550 UART at the PC's first serial port, polled for output, by interrupt for input.
 *
 * Source: National Semiconductor PC16550D data sheet, "Registers". Every access is an exit that
 * costs more than all the rest, so output asks for the status once per FIFO load.
 */
#include <kvm/serial.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include <kvm/ioapic.h>
#include <pith/irq.h>
#include <pith/platform.h>
#include <pith/spinlock.h>
#include <x86/cpu.h>
#include <x86/irq.h>

#define COM1     0x3f8
#define COM1_IRQ 4

/* Registers: offset from the base port. */
#define RBR 0 /* read: received byte */
#define THR 0 /* write: byte to send */
#define DLL 0 /* divisor, while LCR.DLAB is set */
#define IER 1
#define DLM 1
#define IIR 2 /* read */
#define FCR 2 /* write */
#define LCR 3
#define MCR 4
#define LSR 5
#define SCR 7

#define IER_RECEIVE  0x01
#define IIR_ID       0x0f
#define IIR_RECEIVED 0x04 /* the FIFO holds at least the trigger level */
#define IIR_FIFO     0xc0
#define FCR_SETUP    0xc7 /* FIFO on, both cleared, trigger level 14 */
#define LCR_8N1      0x03
#define LCR_DLAB     0x80
#define MCR_SETUP    0x0b /* DTR, RTS, OUT2: OUT2 lets the interrupt through on a PC */
#define LSR_READY    0x01
#define LSR_EMPTY    0x20 /* THRE: the whole transmit FIFO is empty */

#define FIFO_SIZE 16
#define TRIGGER   14

/* QEMU docs/specs/fw_cfg.rst: item 0 reads "QEMU". */
#define FW_CFG_SELECT 0x510
#define FW_CFG_DATA   0x511

/* A host that takes nothing for this long (20 to 30 s) loses what follows until it reads again. */
#define STUCK_CYCLES (1ULL << 36)

#define INPUT_SIZE  4096u /* a power of two */
#define INPUT_BURST 256   /* bytes or FIFO loads that one interrupt takes at most */

static bool present;
static bool stuck;
static unsigned tx_burst = 1;

/* Received bytes; all of it under `lock`, which no other lock is taken in. */
static struct spinlock lock = SPINLOCK_INIT;
static bool listening;
static bool honest;    /* "trigger level reached" means that */
static bool throttled; /* the ring is full, the UART's interrupt is off: the host has to wait */
static uint32_t head, tail;
static char input[INPUT_SIZE];

void serial_init(void)
{
    /* An absent port reads as ones; the scratch register tells a UART from anything else. */
    outb(COM1 + SCR, 0x5a);
    uint8_t status = inb(COM1 + SCR) == 0x5a ? inb(COM1 + LSR) : 0xff;
    present = status != 0xff;
    if (!present) {
        return;
    }
    outb(COM1 + IER, 0);
    /* What the host has sent already: switching the FIFO on clears the receiver. */
    for (; status & LSR_READY && tail < FIFO_SIZE; status = inb(COM1 + LSR)) {
        input[tail++] = (char)inb(COM1 + RBR);
    }
    outb(COM1 + LCR, LCR_DLAB);
    outb(COM1 + DLL, 1); /* 115200 baud */
    outb(COM1 + DLM, 0);
    outb(COM1 + LCR, LCR_8N1);
    outb(COM1 + FCR, FCR_SETUP);
    outb(COM1 + MCR, MCR_SETUP);
    tx_burst = (inb(COM1 + IIR) & IIR_FIFO) == IIR_FIFO ? FIFO_SIZE : 1; /* an 8250 has no FIFO */
}

static bool wait_empty(void)
{
    if (inb(COM1 + LSR) & LSR_EMPTY) {
        stuck = false;
        return true;
    }
    uint64_t start = rdtsc();
    while (!stuck) {
        cpu_relax();
        if (inb(COM1 + LSR) & LSR_EMPTY) {
            return true;
        }
        stuck = rdtsc() - start > STUCK_CYCLES;
    }
    return false;
}

void serial_write(const char *data, size_t len)
{
    if (!present) {
        return;
    }
    /*
     * Not under a lock: this is also how a crash inside of anything is told, from the first
     * instruction on.
     */
    while (len > 0 && wait_empty()) {
        size_t n = len < tx_burst ? len : tx_burst;
        for (size_t i = 0; i < n; i++) {
            outb(COM1 + THR, (uint8_t)data[i]);
        }
        data += n;
        len -= n;
    }
}

/*
 * Firecracker's UART (vm-superio) reports "trigger level reached" with one byte there, so taking 14
 * would invent input. QEMU's keeps the promise, and tells who it is.
 */
static bool is_qemu(void)
{
    char signature[4];
    outw(FW_CFG_SELECT, 0);
    for (unsigned i = 0; i < sizeof signature; i++) {
        signature[i] = (char)inb(FW_CFG_DATA);
    }
    return signature[0] == 'Q' && signature[1] == 'E' && signature[2] == 'M' && signature[3] == 'U';
}

/* Take n bytes that are there. Context: lock held. */
static void receive(uint32_t n)
{
    uint32_t at = tail % INPUT_SIZE;
    uint32_t first = n < INPUT_SIZE - at ? n : INPUT_SIZE - at;
    insb(COM1 + RBR, input + at, first);
    insb(COM1 + RBR, input, n - first);
    tail += n;
}

/* Empty the FIFO into the ring, as far as it has room. Context: lock held. */
static void drain(void)
{
    for (unsigned i = 0; i < INPUT_BURST && INPUT_SIZE - (tail - head) >= TRIGGER; i++) {
        if (honest && (inb(COM1 + IIR) & IIR_ID) == IIR_RECEIVED) {
            receive(TRIGGER);
        } else if (inb(COM1 + LSR) & LSR_READY) {
            receive(1);
        } else {
            return;
        }
    }
    /*
     * The line is still up, and it is edge triggered. Off and on again makes a new edge; off alone
     * leaves the bytes with the host until serial_read() has made room.
     */
    throttled = INPUT_SIZE - (tail - head) < TRIGGER;
    outb(COM1 + IER, 0);
    if (!throttled) {
        outb(COM1 + IER, IER_RECEIVE);
    }
}

static void serial_interrupt(void *arg)
{
    (void)arg;
    bool was = spin_lock(&lock);
    drain();
    spin_unlock(&lock, was);
    console_input();
}

size_t serial_read(char *data, size_t len)
{
    size_t n = 0;
    if (!present) {
        return 0;
    }
    if (!listening) {
        while (n < len && head != tail) {
            data[n++] = input[head++ % INPUT_SIZE];
        }
        while (n < len && (inb(COM1 + LSR) & LSR_READY)) {
            data[n++] = (char)inb(COM1 + RBR);
        }
        return n;
    }
    bool was = spin_lock(&lock);
    while (n < len && head != tail) {
        data[n++] = input[head++ % INPUT_SIZE];
    }
    if (throttled && tail - head <= INPUT_SIZE / 2) {
        throttled = false;
        outb(COM1 + IER, IER_RECEIVE);
    }
    spin_unlock(&lock, was);
    return n;
}

int serial_listen(void)
{
    if (!present) {
        return -ENODEV;
    }
    if (listening) {
        return 0;
    }
    int vector = irq_alloc(IRQ_CLASS_LOW, serial_interrupt, NULL);
    if (vector < 0) {
        return vector;
    }
    int err = ioapic_route_isa(COM1_IRQ, (unsigned)vector);
    if (err < 0) {
        irq_free((unsigned)vector);
        return err;
    }
    honest = tx_burst == FIFO_SIZE && is_qemu();
    listening = true;
    outb(COM1 + IER, IER_RECEIVE);
    return 0;
}
