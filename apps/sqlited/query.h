/* SPDX-License-Identifier: BSD-2-Clause */
/* The resource /sql: statements with parameters, their rows as JSON. */
#pragma once

#include "request.h"
#include "slice.h"

struct database;
struct made;

/* `query` is the target's, encoded; `body` has a zero behind it. */
void query_answer(struct database *d, enum method method, struct slice query, struct slice body,
                  struct made *a);
