/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens around a suspension, and who wants to know of it. */
#include <xenplat/suspend.h>

static struct list hooks = LIST_INIT(hooks);
static uint32_t generation;

void xen_resume_add(struct xen_resume_hook *hook)
{
    list_insert(&hooks, &hook->list);
}

uint32_t xen_generation(void)
{
    return __atomic_load_n(&generation, __ATOMIC_RELAXED);
}
