/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs that are servers have in common from main() on. */
#pragma once

struct server;

/* The number that is an option's value, from low to high; else the end with a word, status 2. */
unsigned command_number(int option, const char *text, unsigned long low, unsigned long high);

/*
 * Serve `what` (for people) until SIGTERM or SIGINT; returns the program's status. The server is
 * open.
 */
int command_serve(struct server *s, const char *what);
