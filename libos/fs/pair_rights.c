/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that travel with a message: SCM_RIGHTS (unix(7)). Each is counted as open while it is under
 * way. A socket that is sent to itself and never received stays for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <pith/heap.h>

#include "pair.h"

#define RIGHTS_MAX 253u /* Linux SCM_MAX_FD */

void rights_free(struct pair_rights *rights)
{
    if (rights == NULL) {
        return;
    }
    for (unsigned i = 0; i < rights->n; i++) {
        file_unref(rights->files[i]);
    }
    heap_free(rights);
}

/* The files of the descriptors of one header, behind those that are there. */
static int take_one(const struct cmsghdr *c, struct pair_rights *to)
{
    size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    if (n > RIGHTS_MAX - to->n) {
        return -EINVAL;
    }
    for (size_t i = 0; i < n; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
        struct file *f = fd_get(fd);
        if (f == NULL) {
            return -EBADF;
        }
        to->files[to->n++] = f;
    }
    return 0;
}

int rights_take(const struct msghdr *msg, struct pair_rights **out)
{
    struct msghdr m = *msg;
    if (m.msg_control == NULL) {
        return -EFAULT;
    }
    struct pair_rights *rights = heap_alloc(sizeof(*rights) + RIGHTS_MAX * sizeof(struct file *));
    if (rights == NULL) {
        return -ENOMEM;
    }
    rights->n = 0;
    int r = 0;
    const char *end = (const char *)m.msg_control + m.msg_controllen;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL && r == 0; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_len < sizeof(*c) || c->cmsg_len > (size_t)(end - (const char *)c)) {
            r = -EINVAL;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            r = take_one(c, rights);
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type != SCM_CREDENTIALS) {
            r = -EINVAL; /* who we are goes without saying; other levels are not looked at */
        }
    }
    if (r != 0 || rights->n == 0) {
        rights_free(rights);
        rights = NULL;
    }
    *out = rights;
    return r;
}

void rights_give(struct pair_rights *rights, struct msghdr *msg, int flags)
{
    size_t room = msg->msg_controllen;
    size_t fit = room < CMSG_LEN(sizeof(int)) || msg->msg_control == NULL
                     ? 0
                     : (room - CMSG_LEN(0)) / sizeof(int);
    unsigned given = 0;
    struct cmsghdr *c = msg->msg_control;
    while (given < rights->n && given < fit) {
        int fd = fd_install(rights->files[given], 0, flags & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0);
        if (fd < 0) {
            break;
        }
        memcpy(CMSG_DATA(c) + given * sizeof(fd), &fd, sizeof(fd));
        given++;
    }
    for (unsigned i = given; i < rights->n; i++) {
        file_unref(rights->files[i]);
    }
    msg->msg_flags |= given < rights->n ? MSG_CTRUNC : 0;
    msg->msg_controllen = 0;
    if (given != 0) {
        size_t len = CMSG_LEN(given * sizeof(int)), space = CMSG_SPACE(given * sizeof(int));
        *c = (struct cmsghdr){ .cmsg_len = len, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
        msg->msg_controllen = space < room ? space : room;
    }
    heap_free(rights);
}
