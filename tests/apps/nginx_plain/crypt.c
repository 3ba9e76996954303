// SPDX-License-Identifier: BSD-2-Clause
/* crypt(), which takes OpenSSL in apps/nginx: here it knows no kind of hash. */

#include <errno.h>
#include <stddef.h>

char *crypt(const char *key, const char *setting);

char *crypt(const char *key, const char *setting)
{
    (void)key;
    (void)setting;
    errno = EINVAL;
    return NULL;
}
