/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot option xen.blk=: what the block front end shall do without. */
#include <xenplat/blkfront.h>

#include <string.h>

#include <pith/log.h>

#define RING_PAGES 4u /* 128 entries */

static bool word_is(const char *word, size_t len, const char *name)
{
    return strlen(name) == len && memcmp(word, name, len) == 0;
}

/* "ring=N", pages: the power of two that is not above it. */
static bool ring_word(const char *word, size_t len, struct blkfront_options *options)
{
    unsigned n = 0, pages = 1;
    if (len < 6 || len > 8 || memcmp(word, "ring=", 5) != 0) {
        return false;
    }
    for (size_t i = 5; i < len; i++) {
        if (word[i] < '0' || word[i] > '9') {
            return false;
        }
        n = n * 10 + (unsigned)(word[i] - '0');
    }
    while (pages * 2 <= n && pages < BLKFRONT_RING_PAGES) {
        pages *= 2;
    }
    options->ring_pages = pages;
    return n > 0;
}

static bool one_word(const char *word, size_t len, struct blkfront_options *options)
{
    const struct {
        const char *name;
        bool *what;
        bool value;
    } words[] = {
        { "noindirect", &options->indirect, false },
        { "nopersistent", &options->persistent, false },
        { "persistent", &options->persistent, true },
        { "noflush", &options->flush, false },
        { "nobarrier", &options->barrier, false },
        { "nodiscard", &options->discard, false },
    };
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (word_is(word, len, words[i].name)) {
            *words[i].what = words[i].value;
            return true;
        }
    }
    return ring_word(word, len, options);
}

void blkfront_options_parse(const char *text, struct blkfront_options *options)
{
    *options = (struct blkfront_options){ .ring_pages = RING_PAGES, .indirect = true,
                                          .persistent = true, .flush = true, .barrier = true,
                                          .discard = true };
    while (text != NULL && *text != '\0') {
        size_t len = strcspn(text, ",");
        if (len > 0 && !one_word(text, len, options)) {
            klog(LOG_WARNING, "xen.blk=%s: not understood from here on", text);
            return;
        }
        text += len + (text[len] == ',');
    }
}
