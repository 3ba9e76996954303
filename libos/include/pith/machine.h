/* SPDX-License-Identifier: BSD-2-Clause */
/* What the boot protocol told about this machine. */
#pragma once

#include <pith/boot.h>

/* The boot information that libos_main() got: modules, RAM, platform name. Valid for ever. */
const struct boot_info *machine_boot_info(void);
