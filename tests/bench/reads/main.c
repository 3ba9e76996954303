/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads of 4 KiB all over a disk, one at a time: reads PATH COUNT. What they cost is the difference of two runs. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#define SIZE 4096

static char buffer[SIZE] __attribute__((aligned(SIZE)));

int main(int argc, char **argv)
{
    int fd = argc == 3 ? open(argv[1], O_RDONLY) : -1;
    off_t places = fd >= 0 ? lseek(fd, 0, SEEK_END) / SIZE : 0;
    uint32_t place = 1;

    if (places == 0) {
        fprintf(stderr, "reads: no disk\n");
        return 1;
    }
    for (long i = atol(argv[2]); i > 0; i--) {
        place = place * 1664525 + 1013904223; /* Numerical Recipes' generator: its high bits will do */
        if (pread(fd, buffer, SIZE, (off_t)(place >> 8) % places * SIZE) != SIZE) {
            perror("reads");
            return 1;
        }
    }
    puts("reads done");
    return 0;
}
