# SPDX-License-Identifier: BSD-2-Clause
LIBOS_LIBC_SRCS := abort.c c11_threads.c clock.c errno.c exit.c fcntl.c fd.c heap.c heap_large.c heap_map.c heap_slab.c io.c \
    io_more.c locks.c malloc.c open.c process.c pthread_attr.c pthread_barrier.c pthread_cond.c \
    pthread_keys.c pthread_mutex.c pthread_mutex_timed.c pthread_objattr.c pthread_once.c \
    pthread_rwlock.c pthread_self.c pthread_thread.c random.c semaphore.c point.c signal.c signal_deliver.c signal_fault.c signal_pending.c signal_send.c signal_set.c \
    signal_sets.c signal_thread.c signal_timer.c signal_alarm.c signal_wait.c signalfd.c pthread_cancel.c sleep.c start.c \
    sysconf.c uio.c uname.c
LIBOS_LIBC_SRCS += copy_file_range.c dladdr.c dlfcn.c flock.c group.c ids.c libgen.c mlock.c mman.c command.c daemon.c exec.c fork.c wait.c rlimit.c rusage.c syslog.c termios.c termios_speed.c
LIBOS_LIBC_SRCS += dir.c fs_attr.c fs_data.c fs_names.c mktemp.c scandir.c sendfile.c stat.c sync.c ftw.c passwd.c pathconf.c
LIBOS_LIBC_SRCS += dns_ask.c dns_message.c getaddrinfo.c gethostbyname.c getnameinfo.c ifaddrs.c in6addr.c \
    inet_class.c inet_ntop.c inet_pton.c netdb_find.c netdb_hosts.c netdb_literal.c netdb_services.c \
    netdb_sort.c netdb_text.c
LIBOS_LIBC_SRCS += epoll.c eventfd.c fd_give.c file_locks.c flockfile.c pipe.c poll.c polling_masked.c select.c socketpair.c timerfd.c
LIBOS_LIBC_SRCS += socket.c socket_accept.c socket_byteorder.c socket_calls.c socket_mmsg.c socket_msg.c socket_zerocopy.c
LIBOS_LIBC_SRCS += close_range.c environ_more.c err.c error.c getline.c ids_saved.c libintl.c lockf.c names_more.c \
    prctl.c program_name.c pthread_sched.c sched.c spawn_data.c statfs.c sysinfo.c timegm.c \
    wait_more.c xattr.c
LIBOS_LIBC_SRCS += environ.c getopt.c getsubopt.c jrand48.c fma.c fnmatch.c glob.c search_lists.c strerror.c strptime.c strsignal.c strtol.c strtol_l.c time_break.c time_make.c time_zone.c
LIBOS_LIBC_SRCS += auxv.c backtrace_calls.c chroot.c confstr.c cpu_clocks.c mallinfo.c mremap.c netdb_walk.c process_names.c \
    pthread_robust.c semaphore_named.c shm.c statx.c timespec_get.c
