/* SPDX-License-Identifier: BSD-2-Clause */
/* xenstore after a suspension or a reconnection: to its daemon we are a new client without watches. */
#include "xenstore.h"

#include <pith/log.h>
#include <xenplat/suspend.h>

#define PATH_SIZE (XENSTORE_PATH_MAX + 16u) /* drivers add a key to a path of theirs */

void xenstore_set_watches(void)
{
    char path[PATH_SIZE];

    for (uint32_t token = 0; (token = xenstore_watch_after(token, path, sizeof(path))) != 0;) {
        int error = xenstore_watch_ask(XS_WATCH, path, token);
        if (error != 0 && error != -EEXIST) {
            klog(LOG_WARNING, "xenstore: %s is watched no more (%d)", path, error);
        }
    }
}

void xenstore_resume(bool moved)
{
    int error = moved ? xenstore_restart() : 0;

    xenstore_release();
    if (error != 0) {
        klog(LOG_ERROR, "xenstore: no connection after the resume (%d)", error);
    } else if (moved) {
        xenstore_set_watches();
    }
}
