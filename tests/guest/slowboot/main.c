/* SPDX-License-Identifier: BSD-2-Clause */
/* A boot during which the firmware's timer fires: it must find its interrupt shut out. See test.cfg. */
#include "check.h"

static void booted(void)
{
    CHECK(true);
}

int main(void)
{
    check_run("booted", booted);
    return check_done();
}
