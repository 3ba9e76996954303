/* SPDX-License-Identifier: BSD-2-Clause */
/* httpd on the host: the machine has nothing to add to the server's metrics. */
#include "counters.h"

void metrics_machine(struct text *page)
{
    (void)page;
}
