/* SPDX-License-Identifier: BSD-2-Clause */
/* The one function of the C library's side that libos/core calls. */
#pragma once

/*
 * Start the C library and the program: constructors, environ, main(), then exit() with its result.
 * Context: the main thread, unmasked.
 */
_Noreturn void libc_start(void);
