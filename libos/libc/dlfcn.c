/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dlsym() over the image's own functions, by the table that crash reports use. Loading is not
 * there: nothing becomes executable after the start.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pith/log.h>
#include <pith/symbols.h>

static char image; /* its address is the handle */
static _Thread_local const char *error;

void *dlopen(const char *file, int flags)
{
    (void)flags;
    if (file == NULL) {
        return &image;
    }
    static bool told; /* atomic */
    if (!__atomic_exchange_n(&told, true, __ATOMIC_RELAXED)) {
        klog(LOG_WARNING,
             "dlopen(\"%s\"): there are no shared libraries; instead: link it into the image", file);
    }
    error = "there are no shared libraries: link it into the image";
    errno = ENOSYS;
    return NULL;
}

int dlclose(void *handle)
{
    if (handle == &image) {
        return 0;
    }
    error = "not a handle of dlopen()";
    return -1;
}

void *dlsym(void *handle, const char *name)
{
    uintptr_t address;
    if (handle != &image && handle != RTLD_DEFAULT) {
        error = "not a handle of dlopen()";
        return NULL;
    }
    if (symbol_find(name, &address) != 0) {
        error = "no function of the image has this name";
        return NULL;
    }
    return (void *)address;
}

char *dlerror(void)
{
    char *last = (char *)(uintptr_t)error;
    error = NULL;
    return last;
}
