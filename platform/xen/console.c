/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hardware domain's console: Xen's own, by hypercall (public/xen.h, CONSOLEIO_*).
 *
 * Other domains are refused by a release build of Xen; their console is a ring in shared memory.
 */
#include <xenplat/services.h>

#include <errno.h>

#include <xenplat/evtchn.h>

/* The hypercall names no limit, but holds up the CPU for what it prints. */
#define CHUNK 1024u

void xen_console_write(const char *data, size_t len)
{
    while (len != 0) {
        size_t n = len < CHUNK ? len : CHUNK;
        if (xen_console_io(CONSOLEIO_write, n, (char *)(uintptr_t)data) < 0) {
            return; /* nobody is there to tell */
        }
        data += n;
        len -= n;
    }
}

size_t xen_console_read(char *data, size_t len)
{
    long n = xen_console_io(CONSOLEIO_read, len, data);

    /* More than we asked for would be Xen's bug; believe no count beyond the buffer. */
    return n < 0 ? 0 : (size_t)n <= len ? (size_t)n : len;
}

static void console_event(uint32_t port, void *arg)
{
    (void)port;
    (void)arg;
    console_input();
}

int xen_console_listen(void)
{
    int port = evtchn_bind_virq(VIRQ_CONSOLE, 0, console_event, NULL);
    return port < 0 ? -ENOSYS : 0;
}
