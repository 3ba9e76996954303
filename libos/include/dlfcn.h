/* SPDX-License-Identifier: BSD-2-Clause */
/* Symbols of the running image. There is nothing to load: dlopen() of a file answers NULL. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

#define RTLD_LAZY   1
#define RTLD_NOW    2
#define RTLD_GLOBAL 0x100
#define RTLD_LOCAL  0

#define RTLD_DEFAULT ((void *)0)
#define RTLD_NEXT    ((void *)-1l)

void *dlopen(const char *file, int flags);
int dlclose(void *handle);
void *dlsym(void *handle, const char *name);
char *dlerror(void);

typedef struct {
    const char *dli_fname; /* "image" */
    void *dli_fbase;       /* where the image starts */
    const char *dli_sname; /* the function; good until the thread's next dladdr() */
    void *dli_saddr;       /* where it starts */
} Dl_info;

/* The function that an address lies in: not 0 when there is one. Variables have no names here. */
int dladdr(const void *address, Dl_info *info);

#ifdef __cplusplus
}
#endif
