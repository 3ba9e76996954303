/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Console devices: a byte stream to the host and one from it, besides the machine's own console.
 *
 * /dev/hvc0 is the first one as a file. With the boot option `console=hvc0` the machine's console
 * (standard input and output, log, crash reports) goes there from the moment at which the program
 * first looks for such a device: opens the file or calls condev_find(). What came before, and what
 * the device does not take in a crash, goes to the platform's own console.
 *
 * What the device has taken is the host's: QEMU throws away console output that its socket or pipe
 * does not take at once (a file takes all), where it would hold back a serial port.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <pith/pollq.h>

#define CONDEV_IN  1 /* there are bytes to read */
#define CONDEV_OUT 2 /* there is room to write */

struct condev;

/* Context of all: any; none sleeps. The device copies. */
struct condev_ops {
    /*
     * Up to len bytes; returns how many, 0 when nothing has come or there is no room, -EIO when the
     * device has failed. Fewer than len also means that on_event() will tell of more.
     */
    ssize_t (*read)(struct condev *dev, void *buf, size_t len);
    ssize_t (*write)(struct condev *dev, const void *buf, size_t len);

    /* Which of CONDEV_IN and CONDEV_OUT hold; on_event() will tell of the others. Both: failed. */
    int (*ready)(struct condev *dev);

    /*
     * All of it, waiting for the device, masked if need be: for the machine's console. A host that
     * takes nothing for 20 to 30 seconds loses what follows, until it takes something again. False:
     * it can't be said here now (the device has failed, or its lock is held by who crashed).
     */
    bool (*put)(struct condev *dev, const char *buf, size_t len);

    /* Wait until the host has taken what was put, within the same limit. */
    void (*flush)(struct condev *dev);
};

struct condev {
    const struct condev_ops *ops;
    char name[8];           /* "hvc0", given by condev_attach() */
    bool failed;            /* the driver gave it up */
    bool is_machine;        /* it is the machine's console */
    uint16_t columns, rows; /* of the host's window, 0: not known */
    uint64_t rx_bytes, tx_bytes;
    void (*on_event)(struct condev *dev); /* interrupt, masked; set by condev_attach() */
    struct pollq pollq;     /* libos's */
    struct condev *next;
};

/* Upcall of drivers: name it and add it to the list. */
void condev_attach(struct condev *dev);

/* The i-th device, or that of a name, or NULL; the first call probes the buses. Context: thread. */
struct condev *condev_at(unsigned i);
struct condev *condev_find(const char *name);
