/* SPDX-License-Identifier: BSD-2-Clause */
/* Who we are: uname, gethostname. The host name is option `hostname=` of the command line. */
#define _DEFAULT_SOURCE /* sethostname */
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <pith/cmdline.h>

#include "result.h"

static const char *host_name(void)
{
    const char *name = cmdline_get("hostname");
    return name != NULL && *name != '\0' ? name : "pith";
}

static void put(char *field, const char *text)
{
    strncpy(field, text, _UTSNAME_LENGTH - 1);
    field[_UTSNAME_LENGTH - 1] = '\0';
}

int uname(struct utsname *out)
{
    put(out->sysname, "Pith");
    put(out->nodename, host_name());
    put(out->release, "0.1");
    put(out->version, "libOS");
    put(out->machine, "x86_64");
    return 0;
}

int gethostname(char *name, size_t size)
{
    const char *host = host_name();
    size_t len = strlen(host);
    if (len >= size) {
        return (int)libc_result(-ENAMETOOLONG);
    }
    memcpy(name, host, len + 1);
    return 0;
}

/* The name is the machine's, of its command line. */
int sethostname(const char *name, size_t size)
{
    (void)name;
    (void)size;
    return (int)libc_result(-EPERM);
}

/* Linux's answer where nobody has set it. */
int getdomainname(char *name, size_t size)
{
    static const char none[] = "(none)";
    if (size < sizeof(none)) {
        return (int)libc_result(-EINVAL);
    }
    memcpy(name, none, sizeof(none));
    return 0;
}
