/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line, split in place: options first, after ` -- ` the program's arguments. */
#include <pith/cmdline.h>

#include <string.h>

#include <pith/boot.h>
#include <pith/log.h>

#include "cold.h"

#define ENV_PREFIX "env."

/*
 * Written by cmdline_init() only. A word never grows by unquoting, so it is split where it stands.
 */
static char text[BOOT_CMDLINE_MAX];
static const char *options_end = text; /* the options: words one after the other, with their NULs */

static char *args[CMDLINE_MAX_ARGS + 1];
static int nargs;
static char *env[CMDLINE_MAX_ENV + 1];
static int nenv;
static char default_name[] = "pith";

static bool is_blank(char c)
{
    /* Control characters separate too: none of them belongs on a command line. */
    return (unsigned char)c <= ' ' && c != '\0';
}

struct splitter {
    const char *in;
    char *out;
    bool quoted;       /* the word had quotes or a backslash, so that "--" is no separator */
    bool unterminated; /* a quote was still open at the end */
};

/* The next word, unquoted and terminated, or NULL at the end. */
COLD static char *next_word(struct splitter *s)
{
    char quote = '\0';
    char *word = s->out;

    while (is_blank(*s->in)) {
        s->in++;
    }
    if (*s->in == '\0') {
        return NULL;
    }
    s->quoted = false;
    for (; *s->in != '\0' && (quote != '\0' || !is_blank(*s->in)); s->in++) {
        char c = *s->in;
        if (c == quote) {
            quote = '\0';
        } else if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
            s->quoted = true;
        } else if (c == '\\' && quote != '\'' && s->in[1] != '\0') {
            *s->out++ = *++s->in;
            s->quoted = true;
        } else {
            *s->out++ = c;
        }
    }
    s->unterminated |= quote != '\0';
    if (*s->in != '\0') {
        s->in++; /* before the terminator overwrites this blank */
    }
    *s->out++ = '\0';
    return word;
}

/* Enter `word` in a NULL-terminated table; returns how many there are then. */
COLD static int add(char **table, int n, int max, char *word, const char *what)
{
    if (n == max) {
        klog(LOG_WARNING, "command line: more than %d %s, '%s' is dropped", max, what, word);
        return n;
    }
    table[n] = word;
    table[n + 1] = NULL;
    return n + 1;
}

/* Enter NAME=VALUE among the variables; the last one of a name counts, as for options. */
COLD static void add_variable(char *word)
{
    size_t len = (size_t)(strchr(word, '=') - word) + 1;
    for (int i = 0; i < nenv; i++) {
        if (strncmp(env[i], word, len) == 0) {
            env[i] = word;
            return;
        }
    }
    nenv = add(env, nenv, CMDLINE_MAX_ENV, word, "variables");
}

COLD void cmdline_init(const char *source)
{
    size_t len = strnlen(source, sizeof(text));
    struct splitter s = { .in = text, .out = text };
    char *word;

    if (len == sizeof(text)) {
        len--;
        klog(LOG_WARNING, "command line: cut at %u bytes", (unsigned)len);
    }
    memcpy(text, source, len);
    text[len] = '\0';
    nenv = 0;
    env[0] = NULL;

    bool options = true;
    args[0] = default_name;
    args[1] = NULL;
    nargs = 1;
    options_end = text;
    while ((word = next_word(&s)) != NULL) {
        if (!options) {
            nargs = add(args, nargs, CMDLINE_MAX_ARGS, word, "arguments");
        } else if (!s.quoted && strcmp(word, "--") == 0) {
            options = false;
        } else {
            options_end = s.out;
            if (strncmp(word, ENV_PREFIX, sizeof(ENV_PREFIX) - 1) == 0 && strchr(word, '=')) {
                add_variable(word + sizeof(ENV_PREFIX) - 1);
            }
        }
    }
    if (s.unterminated) {
        klog(LOG_WARNING, "command line: a quote is not closed");
    }
    char *name = (char *)cmdline_get("name");
    if (name != NULL && *name != '\0') {
        args[0] = name;
    }
}

COLD const char *cmdline_next(const char *name, const char *previous)
{
    size_t len = strlen(name);
    /* A value ends with its word, so behind its NUL the next one begins. */
    const char *word = previous != NULL ? previous + strlen(previous) + 1 : text;

    for (; word < options_end; word += strlen(word) + 1) {
        if (strncmp(word, name, len) != 0) {
            continue;
        }
        if (word[len] == '=') {
            return word + len + 1;
        }
        if (word[len] == '\0') {
            return word + len;
        }
    }
    return NULL;
}

COLD const char *cmdline_get(const char *name)
{
    const char *value = NULL;

    for (const char *v = cmdline_next(name, NULL); v != NULL; v = cmdline_next(name, v)) {
        value = v;
    }
    return value;
}

COLD static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20); /* lower case */
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

COLD static unsigned suffix_shift(const char *s)
{
    switch (*s | 0x20) {
    case 'k':
        return 10;
    case 'm':
        return 20;
    case 'g':
        return 30;
    default:
        return 0;
    }
}

COLD uint64_t cmdline_get_u64(const char *name, uint64_t fallback)
{
    const char *s = cmdline_get(name);
    unsigned base = 10;
    uint64_t v = 0;

    if (s == NULL) {
        return fallback;
    }
    if (s[0] == '0' && (s[1] | 0x20) == 'x') {
        base = 16;
        s += 2;
    }
    const char *digits = s;
    for (; (unsigned)digit_value(*s) < base; s++) {
        if (__builtin_mul_overflow(v, base, &v) ||
            __builtin_add_overflow(v, (uint64_t)digit_value(*s), &v)) {
            return fallback;
        }
    }
    unsigned shift = suffix_shift(s);
    if (s == digits || s[shift != 0] != '\0' || (shift != 0 && v >> (64 - shift) != 0)) {
        return fallback;
    }
    return v << shift;
}

int cmdline_argc(void)
{
    return nargs;
}

char **cmdline_argv(void)
{
    return args;
}

char **cmdline_environ(void)
{
    return env;
}
