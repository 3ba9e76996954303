/* SPDX-License-Identifier: BSD-2-Clause */
/* Random bytes for keys. */
#pragma once

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GRND_NONBLOCK 1u /* EAGAIN when no strong seed is there, instead of gathering one */
#define GRND_RANDOM   2u /* makes no difference */
#define GRND_INSECURE 4u /* don't care about the seed */

ssize_t getrandom(void *buf, size_t len, unsigned flags);
int getentropy(void *buf, size_t len);

#ifdef __cplusplus
}
#endif
