/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts Redis with what its machine is like, unless the user says otherwise.
 *
 * Redis' own main() and its threads' stacks come by here: the recipe has renamed the calls.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG "/etc/redis.conf"
#define DATA   "/data"

/* Of the memory that is free at the start, for data; the rest is for what Redis does not count: holes in
   the heap, the network's buffers, replies on their way. */
#define DATA_TENTHS 7

/* Ample for closing, syncing and freeing; Redis asks for 4 MiB each, and here all of it would be real. */
#define WORKER_STACK (256u << 10)

int redis_main(int argc, char **argv);
int redis_stack_size(pthread_attr_t *attr, size_t size);

int redis_stack_size(pthread_attr_t *attr, size_t size)
{
    return pthread_attr_setstacksize(attr, size < WORKER_STACK ? size : WORKER_STACK);
}

/* A file of configuration, `-` for one from standard input, and what only prints are for Redis alone. */
static bool wants_defaults(int argc, char **argv)
{
    static const char *const prints[] = {"--version", "--help", "--test-memory", "--check-system"};
    if (argc == 1) {
        return true;
    }
    for (size_t i = 0; i < sizeof(prints) / sizeof(prints[0]); i++) {
        if (strcmp(argv[1], prints[i]) == 0) {
            return false;
        }
    }
    return strncmp(argv[1], "--", 2) == 0;
}

/* What stays in this machine's memory is gone with it: nothing to save at the end. */
static bool data_stays(void)
{
    struct stat root, data;
    return stat("/", &root) == 0 && stat(DATA, &data) == 0 && root.st_dev == data.st_dev;
}

int main(int argc, char **argv)
{
    static char config[] = CONFIG, maxmemory[] = "--maxmemory", sigterm[] = "--shutdown-on-sigterm", nosave[] = "nosave";
    static char bytes[24];
    if (!wants_defaults(argc, argv)) {
        return redis_main(argc, argv);
    }
    char **all = calloc((size_t)argc + 6, sizeof(*all));
    if (all == NULL) {
        fputs("no memory for the arguments\n", stderr);
        return 1;
    }
    long pages = sysconf(_SC_AVPHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    snprintf(bytes, sizeof(bytes), "%ld", pages / 10 * DATA_TENTHS * size);
    int n = 0;
    all[n++] = argv[0];
    all[n++] = config;
    all[n++] = maxmemory;
    all[n++] = bytes;
    if (data_stays()) {
        all[n++] = sigterm;
        all[n++] = nosave;
    }
    for (int i = 1; i < argc; i++) {
        all[n++] = argv[i];
    }
    return redis_main(n, all);
}
