/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * getopt(), getopt_long(), getopt_long_only(): as glibc's, whose ways programs expect: arguments that
 * are no options go behind the others, optopt, abbreviations, the words of the messages.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *optarg;
int optind = 1, opterr = 1, optopt = '?';

static char *rest;         /* of an argument with several letters */
static int first, last;    /* arguments that are no options and were passed over: [first, last) */
static bool begun;

enum order { PERMUTE, STOP, RETURN };

struct parse {
    int argc;
    char **argv;
    const char *letters;
    const struct option *longs;
    int *index;
    enum order order;
    bool quiet;            /* a leading colon: no messages, and ':' for a missing argument */
};

static bool is_option(const char *s)
{
    return s[0] == '-' && s[1] != '\0';
}

static void reverse(char **v, int from, int to)
{
    for (to--; from < to; from++, to--) {
        char *keep = v[from];
        v[from] = v[to];
        v[to] = keep;
    }
}

/* What was passed over goes behind the options that came after it. */
static void exchange(struct parse *p)
{
    int moved = optind - last;
    reverse(p->argv, first, last);
    reverse(p->argv, last, optind);
    reverse(p->argv, first, optind);
    first += moved;
    last = optind;
}

static int missing(const struct parse *p)
{
    return p->quiet ? ':' : '?';
}

/* The long option whose name begins with these; NULL with *ambiguous set when there are several. */
static const struct option *find(const struct parse *p, const char *name, size_t len, bool *ambiguous)
{
    const struct option *found = NULL;
    *ambiguous = false;
    for (const struct option *o = p->longs; o->name != NULL; o++) {
        if (strncmp(o->name, name, len) != 0) {
            continue;
        }
        if (strlen(o->name) == len) {
            *ambiguous = false;
            return o;
        }
        if (found == NULL) {
            found = o;
        } else if (found->has_arg != o->has_arg || found->flag != o->flag || found->val != o->val) {
            *ambiguous = true;
        }
    }
    return *ambiguous ? NULL : found;
}

static int long_option(struct parse *p, const char *dashes, bool or_letter)
{
    size_t len = strcspn(rest, "=");
    bool ambiguous, tell = opterr && !p->quiet;
    const char *self = p->argv[0];
    const struct option *o = find(p, rest, len, &ambiguous);
    if (o == NULL && or_letter && !ambiguous && strchr(p->letters, rest[0]) != NULL) {
        return -1;
    }
    char *name = rest, *value = rest[len] == '=' ? rest + len + 1 : NULL;
    optind++;
    rest = NULL;
    if (o == NULL) {
        if (tell) {
            fprintf(stderr, ambiguous ? "%s: option '%s%s' is ambiguous\n" : "%s: unrecognized option '%s%s'\n",
                    self, dashes, name);
        }
        optopt = 0;
        return '?';
    }
    if (value != NULL && o->has_arg == no_argument) {
        if (tell) {
            fprintf(stderr, "%s: option '%s%s' doesn't allow an argument\n", self, dashes, o->name);
        }
        optopt = o->val;
        return '?';
    }
    if (value == NULL && o->has_arg == required_argument) {
        if (optind >= p->argc) {
            if (tell) {
                fprintf(stderr, "%s: option '%s%s' requires an argument\n", self, dashes, o->name);
            }
            optopt = o->val;
            return missing(p);
        }
        value = p->argv[optind++];
    }
    optarg = value;
    if (p->index != NULL) {
        *p->index = (int)(o - p->longs);
    }
    if (o->flag != NULL) {
        *o->flag = o->val;
        return 0;
    }
    return o->val;
}

static int letter(struct parse *p)
{
    char c = *rest++;
    const char *at = c == ':' || c == ';' ? NULL : strchr(p->letters, c);
    bool tell = opterr && !p->quiet;
    if (*rest == '\0') {
        optind++;
    }
    if (at == NULL) {
        if (tell) {
            fprintf(stderr, "%s: invalid option -- '%c'\n", p->argv[0], c);
        }
        optopt = c;
        return '?';
    }
    if (at[1] != ':') {
        return c;
    }
    if (*rest != '\0') {
        optarg = rest;
        optind++;
    } else if (at[2] != ':') {
        if (optind >= p->argc) {
            if (tell) {
                fprintf(stderr, "%s: option requires an argument -- '%c'\n", p->argv[0], c);
            }
            optopt = c;
            rest = NULL;
            return missing(p);
        }
        optarg = p->argv[optind++];
    }
    rest = NULL;
    return c;
}

/* Go on to the next argument that is an option; false when there is none, with optind set. */
static bool next_option(struct parse *p)
{
    last = last > optind ? optind : last;
    first = first > optind ? optind : first;
    if (p->order == PERMUTE) {
        if (first != last && last != optind) {
            exchange(p);
        } else if (last != optind) {
            first = optind;
        }
        while (optind < p->argc && !is_option(p->argv[optind])) {
            optind++;
        }
        last = optind;
    }
    if (optind < p->argc && strcmp(p->argv[optind], "--") == 0) {
        optind++;
        if (first != last && last != optind) {
            exchange(p);
        } else if (first == last) {
            first = optind;
        }
        last = p->argc;
        optind = p->argc;
    }
    if (optind >= p->argc) {
        optind = first != last ? first : optind;
        return false;
    }
    return true;
}

static int parse(struct parse *p, bool only)
{
    optarg = NULL;
    if (p->argc < 1) {
        return -1;
    }
    if (optind == 0 || !begun) {
        optind = optind == 0 ? 1 : optind;
        first = last = optind;
        rest = NULL;
        begun = true;
    }
    p->order = *p->letters == '-' ? RETURN : *p->letters == '+' || getenv("POSIXLY_CORRECT") != NULL ? STOP : PERMUTE;
    p->letters += *p->letters == '-' || *p->letters == '+';
    p->quiet = *p->letters == ':';
    if (rest != NULL && *rest != '\0') {
        return letter(p);
    }
    if (!next_option(p)) {
        return -1;
    }
    char *arg = p->argv[optind];
    if (!is_option(arg)) {
        if (p->order == STOP) {
            return -1;
        }
        optarg = arg;
        optind++;
        return 1;
    }
    if (p->longs != NULL && arg[1] == '-') {
        rest = arg + 2;
        return long_option(p, "--", false);
    }
    if (p->longs != NULL && only && (arg[2] != '\0' || strchr(p->letters, arg[1]) == NULL)) {
        rest = arg + 1;
        int c = long_option(p, "-", true);
        if (c != -1) {
            return c;
        }
    }
    rest = arg + 1;
    return letter(p);
}

int getopt(int argc, char *const argv[], const char *letters)
{
    struct parse p = { .argc = argc, .argv = (char **)(unsigned long)argv, .letters = letters };
    return parse(&p, false);
}

int getopt_long(int argc, char *const argv[], const char *letters, const struct option *longs, int *index)
{
    struct parse p = { .argc = argc, .argv = (char **)(unsigned long)argv, .letters = letters, .longs = longs,
                       .index = index };
    return parse(&p, false);
}

int getopt_long_only(int argc, char *const argv[], const char *letters, const struct option *longs, int *index)
{
    struct parse p = { .argc = argc, .argv = (char **)(unsigned long)argv, .letters = letters, .longs = longs,
                       .index = index };
    return parse(&p, true);
}
