/* SPDX-License-Identifier: BSD-2-Clause */
/* What a host can press when it wants the machine to end. Each calls stop_requested(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The ACPI power button, fixed or by a Generic Event Device; whether there is one. Context: any. */
bool power_button_listen(void);

/* Ctrl-Alt-Del at an i8042 keyboard controller; whether there is one. Context: any. */
bool i8042_listen(void);

/* What has been seen of a keyboard's bytes; zero to begin with. */
struct keyboard {
    bool ctrl1, alt1;  /* held, by scan code set 1 */
    bool ctrl2, alt2;  /* by set 2 */
    bool extended, released; /* prefixes E0 and F0 came */
};

/*
 * Take one byte; true when it completes Ctrl-Alt-Del. Both scan code sets are understood at a time:
 * which one comes depends on the controller's translation and on who emulates it. Pure.
 */
bool keyboard_feed(struct keyboard *k, uint8_t byte);
