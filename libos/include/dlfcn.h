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

#ifdef __cplusplus
}
#endif
