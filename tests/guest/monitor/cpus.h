/* SPDX-License-Identifier: BSD-2-Clause */
/* A second CPU is started, runs, is parked and answers interrupts there. */
#pragma once

#include <stdbool.h>

/* What is wrong, or NULL; *skip: there is no second CPU, and the words say so. */
const char *second_cpu_problem(bool *skip);
