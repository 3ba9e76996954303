/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields of a query string: "a=1&b=two+words" (WHATWG URL, 5.1). Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "slice.h"

/* Cut the next field off; false at the end. Name and value are as they came, encoded. */
bool form_next(struct slice *rest, struct slice *name, struct slice *value);

/* Decode into out, which has room for s.n + 1 bytes. Returns the length without the zero behind it. */
size_t form_decode(struct slice s, char *out);
