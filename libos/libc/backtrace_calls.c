/* SPDX-License-Identifier: BSD-2-Clause */
/* backtrace() and its kin: frames as the crash report walks them, names from the same table. */
#include <execinfo.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pith/platform.h>
#include <pith/symbols.h>

#define FRAME_MAX (1ul << 20) /* farther up isn't a frame */
#define LINE_MAX_ 320         /* "image(name+0x1234) [0x123456789abcdef0]" */

/* What a function has pushed at its begin (x86-64 psABI, "The Stack Frame"). */
struct frame {
    uintptr_t caller;
    uintptr_t return_address;
};

int backtrace(void **buffer, int size)
{
    uintptr_t at = (uintptr_t)__builtin_frame_address(0);
    struct frame frame;
    int n = 0;

    while (n < size && at != 0 && at % sizeof(uintptr_t) == 0 &&
           platform_probe_read(&frame, (const void *)at, sizeof(frame)) == 0 &&
           frame.return_address != 0) {
        buffer[n++] = (void *)frame.return_address;
        if (frame.caller <= at || frame.caller - at > FRAME_MAX) {
            break;
        }
        at = frame.caller;
    }
    return n;
}

/* The line of an address; its length. A call may be the last instruction: it is looked up before. */
static size_t describe(const void *address, char line[LINE_MAX_])
{
    char name[SYMBOL_NAME_MAX];
    size_t offset;
    int n;
    if (symbol_lookup((uintptr_t)address - 1, name, sizeof(name), &offset) == 0) {
        n = snprintf(line, LINE_MAX_, "image(%s+0x%zx) [%p]", name, offset + 1, address);
    } else {
        n = snprintf(line, LINE_MAX_, "image() [%p]", address);
    }
    return (size_t)n;
}

char **backtrace_symbols(void *const *buffer, int size)
{
    size_t n = size > 0 ? (size_t)size : 0, bytes = (n + 1) * sizeof(char *);
    char line[LINE_MAX_];

    for (size_t i = 0; i < n; i++) {
        bytes += describe(buffer[i], line) + 1;
    }
    char **lines = malloc(bytes);
    if (lines == NULL) {
        return NULL;
    }
    char *text = (char *)(lines + n + 1);
    for (size_t i = 0; i < n; i++) {
        size_t len = describe(buffer[i], line) + 1;
        lines[i] = memcpy(text, line, len);
        text += len;
    }
    lines[n] = NULL;
    return lines;
}

void backtrace_symbols_fd(void *const *buffer, int size, int fd)
{
    char line[LINE_MAX_];
    for (int i = 0; i < size; i++) {
        size_t len = describe(buffer[i], line);
        line[len] = '\n';
        if (write(fd, line, len + 1) < 0) {
            return;
        }
    }
}
