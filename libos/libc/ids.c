/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users, groups of processes, sessions, priorities: there is root, and one process that leads
 * everything it is in. Becoming somebody else is EPERM, because nothing would keep to it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include "result.h"

#define OUR_PID 1

static int niceness; /* kept and told; atomic */

static int only(unsigned id)
{
    return (int)libc_result(id == 0 || id == (unsigned)-1 ? 0 : -EPERM);
}

int setuid(uid_t uid)
{
    return uid == (uid_t)-1 ? (int)libc_result(-EINVAL) : only(uid);
}

int seteuid(uid_t uid)
{
    return uid == (uid_t)-1 ? (int)libc_result(-EINVAL) : only(uid);
}

int setgid(gid_t gid)
{
    return gid == (gid_t)-1 ? (int)libc_result(-EINVAL) : only(gid);
}

int setegid(gid_t gid)
{
    return gid == (gid_t)-1 ? (int)libc_result(-EINVAL) : only(gid);
}

int setreuid(uid_t uid, uid_t euid)
{
    return only(uid) != 0 ? -1 : only(euid);
}

int setregid(gid_t gid, gid_t egid)
{
    return only(gid) != 0 ? -1 : only(egid);
}

pid_t getpgrp(void)
{
    return OUR_PID;
}

pid_t getpgid(pid_t pid)
{
    return pid == 0 || pid == OUR_PID ? OUR_PID : (pid_t)libc_result(-ESRCH);
}

pid_t getsid(pid_t pid)
{
    return getpgid(pid);
}

/* A leader of a group can't begin a session. */
pid_t setsid(void)
{
    return (pid_t)libc_result(-EPERM);
}

int setpgid(pid_t pid, pid_t group)
{
    if (group < 0) {
        return (int)libc_result(-EINVAL);
    }
    return (int)libc_result(pid != 0 && pid != OUR_PID ? -ESRCH : -EPERM); /* leads a session */
}

int getpriority(int which, id_t who)
{
    if (which < PRIO_PROCESS || which > PRIO_USER) {
        return (int)libc_result(-EINVAL);
    }
    if (who != 0 && (which == PRIO_USER || who != OUR_PID)) {
        return (int)libc_result(-ESRCH);
    }
    errno = 0;
    return __atomic_load_n(&niceness, __ATOMIC_RELAXED);
}

int setpriority(int which, id_t who, int priority)
{
    errno = 0;
    if (getpriority(which, who) == -1 && errno != 0) {
        return -1;
    }
    priority = priority < PRIO_MIN ? PRIO_MIN : priority >= PRIO_MAX ? PRIO_MAX - 1 : priority;
    __atomic_store_n(&niceness, priority, __ATOMIC_RELAXED);
    return 0;
}

int nice(int more)
{
    int now = getpriority(PRIO_PROCESS, 0);
    more = more < -2 * PRIO_MAX ? -2 * PRIO_MAX : more > 2 * PRIO_MAX ? 2 * PRIO_MAX : more;
    (void)setpriority(PRIO_PROCESS, 0, now + more);
    return getpriority(PRIO_PROCESS, 0);
}
