/* SPDX-License-Identifier: BSD-2-Clause */
/* Media types by a file's extension. */
#pragma once

/* The Content-Type of a file of this name; never NULL. */
const char *mime_type(const char *path);
