/* SPDX-License-Identifier: BSD-2-Clause */
/* The first serial port (COM1, a 16550 UART), the console of the KVM platforms. */
#pragma once

#include <stddef.h>

/*
 * Find the UART and set it up for polled output. Port accesses only: it works before memory, %gs
 * and the clock do. Where there is no UART, output is dropped and input never comes.
 */
void serial_init(void);

/* Write all of it as it is (no CR is added). Context: any. */
void serial_write(const char *data, size_t len);

/* Take up to len bytes of what has arrived; 0 when nothing has. Context: any. */
size_t serial_read(char *data, size_t len);

/*
 * Receive by interrupt from now on, each time calling console_input().
 * Errors: -ENODEV no UART, -ENOSPC no vector, -ENXIO no I/O APIC: input has to be polled.
 * Context: thread.
 */
int serial_listen(void);
