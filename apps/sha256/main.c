/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Print SHA-256 sums as sha256sum(1) does: of the named files, of the first disk, or of standard
 * input.
 *
 *     sha256 [FILE | -]...
 *
 * One thread reads into one buffer while the other hashes the one before.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sha256.h"

#define DISK        "/dev/vda"
#define BUFFER_MAX  (1024u * 1024)
#define BUFFER_MIN  4096u
#define NBUFFERS    2u

struct pipeline {
    int fd;
    size_t size;             /* of a buffer */
    char *buffer[NBUFFERS];
    ssize_t filled[NBUFFERS]; /* bytes, 0 at the end, -errno */
    sem_t empty, full;       /* how many buffers may be filled, may be hashed */
};

static void *read_all(void *arg)
{
    struct pipeline *p = arg;
    ssize_t n;
    unsigned i = 0;
    do {
        sem_wait(&p->empty);
        n = read(p->fd, p->buffer[i], p->size);
        p->filled[i] = n < 0 ? -errno : n;
        sem_post(&p->full);
        i = (i + 1) % NBUFFERS;
    } while (n > 0);
    return NULL;
}

/* Page-aligned buffers, smaller ones where memory is short. */
static int get_buffers(struct pipeline *p)
{
    for (p->size = BUFFER_MAX; p->size >= BUFFER_MIN; p->size /= 2) {
        unsigned have = 0;
        while (have < NBUFFERS && (p->buffer[have] = aligned_alloc(4096, p->size)) != NULL) {
            have++;
        }
        if (have == NBUFFERS) {
            return 0;
        }
        while (have != 0) {
            free(p->buffer[--have]);
        }
    }
    return -ENOMEM;
}

/* Hash everything that fd still has. Returns 0 or -errno. */
static int hash_all(struct pipeline *p, unsigned char digest[SHA256_DIGEST])
{
    struct sha256 s;
    pthread_t reader;
    sha256_init(&s);
    sem_init(&p->empty, 0, NBUFFERS);
    sem_init(&p->full, 0, 0);
    int r = -pthread_create(&reader, NULL, read_all, p);
    if (r != 0) {
        return r;
    }
    ssize_t n;
    unsigned i = 0;
    do {
        sem_wait(&p->full);
        n = p->filled[i];
        if (n > 0) {
            sha256_update(&s, p->buffer[i], (size_t)n);
        }
        sem_post(&p->empty);
        i = (i + 1) % NBUFFERS;
    } while (n > 0);
    pthread_join(reader, NULL);
    sem_destroy(&p->empty);
    sem_destroy(&p->full);
    sha256_final(&s, digest);
    return (int)n;
}

static int print_sum(struct pipeline *p, const char *name)
{
    unsigned char digest[SHA256_DIGEST];
    p->fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY);
    int r = p->fd < 0 ? -errno : hash_all(p, digest);
    if (p->fd > STDIN_FILENO) {
        close(p->fd);
    }
    if (r != 0) {
        fprintf(stderr, "sha256: %s: %s\n", name, strerror(-r));
        return 1;
    }
    for (unsigned i = 0; i < SHA256_DIGEST; i++) {
        printf("%02x", digest[i]);
    }
    printf("  %s\n", name);
    return 0;
}

int main(int argc, char **argv)
{
    struct pipeline p;
    int failed = 0;
    if (get_buffers(&p) != 0) {
        fprintf(stderr, "sha256: not enough memory\n");
        return 1;
    }
    if (argc < 2) {
        return print_sum(&p, access(DISK, R_OK) == 0 ? DISK : "-");
    }
    for (int i = 1; i < argc; i++) {
        failed |= print_sum(&p, argv[i]);
    }
    return failed;
}
