/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DNS messages (RFC 1035): a question is written, an answer is read. Pure code; the answer is
 * whatever somebody sent: each length and each pointer is checked, the work is bounded.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_PORT        53
#define DNS_NAME_MAX    254  /* as text, without a last dot, with its NUL */
#define DNS_QUERY_MAX   (12 + 255 + 4 + 11)
#define DNS_UDP_MAX     1232 /* what we take by UDP: no fragments (DNS flag day 2020) */
#define DNS_MAX_RECORDS 16   /* of one answer that are kept */

#define DNS_TYPE_A     1
#define DNS_TYPE_CNAME 5
#define DNS_TYPE_PTR   12
#define DNS_TYPE_AAAA  28

enum dns_verdict {
    DNS_OK,        /* there are records */
    DNS_NO_DATA,   /* the name exists, without such records */
    DNS_NO_NAME,   /* it does not exist */
    DNS_FAILED,    /* the server could not answer, or refused */
    DNS_TRUNCATED, /* ask again by TCP */
    DNS_NOT_OURS,  /* no answer to this question, or malformed: go on waiting */
};

/* What an answer says. */
struct dns_answer {
    unsigned count;
    uint8_t addr[DNS_MAX_RECORDS][16]; /* of A the first 4 bytes */
    char name[DNS_NAME_MAX]; /* A, AAAA: the name at the end of the aliases; PTR: the name */
};

/*
 * Write a question for `name` (a last dot is allowed). Returns its length; -1: it is no name that DNS
 * can carry (a label of 0 or more than 63 bytes, more than 253 in all).
 */
int dns_question(uint8_t out[DNS_QUERY_MAX], uint16_t id, const char *name, uint16_t type);

/* Read the answer to that question. *answer is set when the verdict is DNS_OK. */
enum dns_verdict dns_read(const uint8_t *msg, size_t len, const uint8_t *question,
                          struct dns_answer *answer);
