/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Ends the program with a word where a function is wrong. */
void test_search(void);
