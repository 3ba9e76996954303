/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ctrl-Alt-Del in a keyboard's bytes. Set 1 marks releases by bit 7, set 2 by a byte F0 before; the
 * Delete key that is meant has the prefix E0 in both (IBM Personal System/2 Hardware Interface
 * Technical Reference, "Keyboard Scan Codes").
 */
#include <kvm/stop_listen.h>

#define EXTENDED   0xe0
#define RELEASED   0xf0
#define SET1_BREAK 0x80
#define SET1_CTRL  0x1d
#define SET1_ALT   0x38
#define SET1_DEL   0x53
#define SET2_CTRL  0x14
#define SET2_ALT   0x11
#define SET2_DEL   0x71

bool keyboard_feed(struct keyboard *k, uint8_t byte)
{
    if (byte == EXTENDED) {
        k->extended = true;
        return false;
    }
    if (byte == RELEASED) {
        k->released = true;
        return false;
    }
    bool extended = k->extended, down2 = !k->released, down1 = !(byte & SET1_BREAK) && down2;
    k->extended = k->released = false;
    switch (byte & ~SET1_BREAK) {
    case SET1_CTRL: k->ctrl1 = down1; break;
    case SET1_ALT: k->alt1 = down1; break;
    }
    switch (byte) {
    case SET2_CTRL: k->ctrl2 = down2; break;
    case SET2_ALT: k->alt2 = down2; break;
    }
    return extended && ((byte == SET1_DEL && down1 && k->ctrl1 && k->alt1) ||
                        (byte == SET2_DEL && down2 && k->ctrl2 && k->alt2));
}
