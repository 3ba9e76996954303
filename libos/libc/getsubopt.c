/* SPDX-License-Identifier: BSD-2-Clause */
/* getsubopt() as POSIX has it: an unknown word is in *value. */
#define _XOPEN_SOURCE 700
#include <stdlib.h>
#include <string.h>

int getsubopt(char **options, char *const *words, char **value)
{
    char *word = *options, *end = word + strcspn(word, ",");
    *options = end + (*end == ',');
    *end = '\0';
    size_t len = strcspn(word, "=");
    for (int i = 0; words[i] != NULL; i++) {
        if (strncmp(words[i], word, len) == 0 && words[i][len] == '\0') {
            *value = word[len] == '=' ? word + len + 1 : NULL;
            return i;
        }
    }
    *value = word;
    return -1;
}
