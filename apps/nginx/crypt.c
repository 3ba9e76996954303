// SPDX-License-Identifier: BSD-2-Clause
/*
 * crypt(): passwords of htpasswd files by SHA-256 ($5$) and SHA-512 ($6$), after "Unix crypt using SHA-256
 * and SHA-512" by Ulrich Drepper. nginx does the other kinds itself, but for those of crypt(3) that are
 * left out here: they are EINVAL.
 */

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SALT_BYTES     16 /* what is longer is cut off, as everywhere */
#define KEY_BYTES      256
#define DEFAULT_ROUNDS 5000
#define LEAST_ROUNDS   1000
#define MOST_ROUNDS    999999999
#define MOST_PREFIX    24 /* $5$rounds=999999999$ and a few zeroes */

/* What is fed to the hash, one after the other. */
struct input {
    EVP_MD_CTX *ctx;
    bool failed;
};

static void add(struct input *in, const void *data, size_t size)
{
    in->failed |= EVP_DigestUpdate(in->ctx, data, size) != 1;
}

static void begin(struct input *in, const EVP_MD *md)
{
    in->failed |= EVP_DigestInit_ex(in->ctx, md, NULL) != 1;
}

static void end(struct input *in, unsigned char *digest)
{
    in->failed |= EVP_DigestFinal_ex(in->ctx, digest, NULL) != 1;
}

/* Fill `to` with a digest, over and over. */
static void repeat(unsigned char *to, size_t size, const unsigned char *digest, size_t length)
{
    for (size_t i = 0; i < size; i++) {
        to[i] = digest[i % length];
    }
}

/* The steps 1 to 21 of the document: the digest that the rounds begin with, and the strings P and S. */
static void prepare(struct input *in, const EVP_MD *md, const char *key, size_t key_size,
                    const char *salt, size_t salt_size, unsigned char *a, unsigned char *p, unsigned char *s)
{
    unsigned char b[EVP_MAX_MD_SIZE];
    size_t length = (size_t)EVP_MD_get_size(md);

    begin(in, md);
    add(in, key, key_size);
    add(in, salt, salt_size);
    add(in, key, key_size);
    end(in, b);

    begin(in, md);
    add(in, key, key_size);
    add(in, salt, salt_size);
    for (size_t left = key_size; left > 0; left -= left < length ? left : length) {
        add(in, b, left < length ? left : length);
    }
    for (size_t bits = key_size; bits > 0; bits >>= 1) {
        add(in, (bits & 1) != 0 ? (const void *)b : key, (bits & 1) != 0 ? length : key_size);
    }
    end(in, a);

    begin(in, md);
    for (size_t i = 0; i < key_size; i++) {
        add(in, key, key_size);
    }
    end(in, b);
    repeat(p, key_size, b, length);

    begin(in, md);
    for (unsigned i = 0; i < 16u + a[0]; i++) {
        add(in, salt, salt_size);
    }
    end(in, b);
    repeat(s, salt_size, b, length);
}

static char *put_base64(char *out, unsigned value, int digits)
{
    static const char digit[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    for (; digits > 0; digits--, value >>= 6) {
        *out++ = digit[value & 63];
    }
    return out;
}

/* Step 22: three bytes at a time, from three places that change their roles. */
static void put_digest(char *out, const unsigned char *a, size_t length)
{
    unsigned third = (unsigned)length / 3, x = 0, y = third, z = 2 * third;

    for (unsigned i = 0; i < third; i++) {
        out = put_base64(out, (unsigned)a[x] << 16 | (unsigned)a[y] << 8 | a[z], 4);
        unsigned old_x = x, old_y = y, old_z = z;
        x = (length == 64 ? old_y : old_z) + 1;
        y = (length == 64 ? old_z : old_x) + 1;
        z = (length == 64 ? old_x : old_y) + 1;
    }
    out = length == 64 ? put_base64(out, a[63], 2) : put_base64(out, (unsigned)a[31] << 8 | a[30], 3);
    *out = '\0';
}

/* Steps 1 to 22; the digest's text goes to `out`. Errors: EINVAL when a string is too long, ENOMEM. */
static int hash(const EVP_MD *md, const char *key, const char *salt, size_t salt_size, unsigned rounds, char *out)
{
    unsigned char a[EVP_MAX_MD_SIZE], p[KEY_BYTES], s[SALT_BYTES];
    struct input in = {.ctx = EVP_MD_CTX_new()};
    size_t key_size = strlen(key), length = (size_t)EVP_MD_get_size(md);

    if (in.ctx == NULL || key_size > KEY_BYTES) {
        EVP_MD_CTX_free(in.ctx);
        return in.ctx == NULL ? -ENOMEM : -EINVAL;
    }
    prepare(&in, md, key, key_size, salt, salt_size, a, p, s);
    for (unsigned i = 0; i < rounds; i++) {
        begin(&in, md);
        add(&in, (i & 1) != 0 ? p : a, (i & 1) != 0 ? key_size : length);
        add(&in, s, i % 3 != 0 ? salt_size : 0);
        add(&in, p, i % 7 != 0 ? key_size : 0);
        add(&in, (i & 1) != 0 ? a : p, (i & 1) != 0 ? length : key_size);
        end(&in, a);
    }
    EVP_MD_CTX_free(in.ctx);
    put_digest(out, a, length);
    return in.failed ? -ENOMEM : 0;
}

/* `setting` is a hash, or what one begins with: $5$ or $6$, rounds=N$ or not, the salt. One thread at a time. */
char *crypt(const char *key, const char *setting);

char *crypt(const char *key, const char *setting)
{
    static char text[160];
    unsigned long rounds = DEFAULT_ROUNDS;
    const char *salt = setting + 3;
    int used, error;

    if (strncmp(setting, "$5$", 3) != 0 && strncmp(setting, "$6$", 3) != 0) {
        errno = EINVAL;
        return NULL;
    }
    if (strncmp(salt, "rounds=", 7) == 0) {
        char *behind;
        rounds = strtoul(salt + 7, &behind, 10);
        if (*behind != '$' || rounds < LEAST_ROUNDS || rounds > MOST_ROUNDS) {
            errno = EINVAL;
            return NULL;
        }
        salt = behind + 1;
    }
    if (salt - setting > MOST_PREFIX) {
        errno = EINVAL;
        return NULL;
    }
    size_t salt_size = strcspn(salt, "$");
    salt_size = salt_size < SALT_BYTES ? salt_size : SALT_BYTES;
    used = snprintf(text, sizeof(text), "%.*s%.*s$", (int)(salt - setting), setting, (int)salt_size, salt);
    error = hash(setting[1] == '5' ? EVP_sha256() : EVP_sha512(), key, salt, salt_size, (unsigned)rounds, text + used);
    if (error != 0) {
        errno = -error;
        return NULL;
    }
    return text;
}
