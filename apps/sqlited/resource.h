/* SPDX-License-Identifier: BSD-2-Clause */
/* From a request to its answer, in a thread of the pool. */
#pragma once

struct database;
struct exchange;

/* Fill x->made. */
void resource_answer(struct database *d, struct exchange *x);
