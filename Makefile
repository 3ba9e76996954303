# SPDX-License-Identifier: BSD-2-Clause
# Builds the toolchain (once), libpith.a, and images.
#
#   make                          toolchain and build/lib/libpith.a
#   make app APP=apps/hello       build/hello/hello.elf (any folder with .c files; several in APP too)
#   make check                    check-rooms, check-headers, check-limits, check-support
#   make clean                    removes what was built here, keeps the toolchain
#
# `pith build APP` does the same with progress and words; this file is the table of contents of what
# is compiled how. Each room lists its sources in its own sources.mk.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: all toolchain lib app check check-rooms check-headers check-limits check-support clean FORCE
.DEFAULT_GOAL := all

include Config.mk

B      := build
TARGET := x86_64-pith-elf
CC     := $(B)/bin/$(TARGET)-gcc
AR     := ar
PYTHON := python3
LIB    := $(B)/lib/libpith.a

# ---- the toolchain -------------------------------------------------------------------------------
# toolchain/build.sh brings newlib, the compiler's builtins and the wrapper; it redoes only what changed.

TOOLCHAIN := $(B)/toolchain.stamp
TOOLCHAIN_FILES := $(shell find toolchain \( -path toolchain/cli -o -path toolchain/test -o -path toolchain/packages \) -prune -o -type f -print | LC_ALL=C sort)
$(TOOLCHAIN): $(TOOLCHAIN_FILES) $(B)/toolchain.list
	@mkdir -p $(@D)
	sh toolchain/build.sh
	@touch $@

# A file that is gone makes nothing newer: the list of them does.
ifneq ($(strip $(file <$(B)/toolchain.list)),$(strip $(TOOLCHAIN_FILES)))
$(shell mkdir -p $(B))
$(file >$(B)/toolchain.list,$(TOOLCHAIN_FILES))
endif
$(B)/toolchain.list: ;

# lwIP's options decide which globals it has, and so which are renamed.
LWIP_NAMES := $(B)/include/lwip/lwip_names.h
$(LWIP_NAMES): $(wildcard libos/net/lwip/*.h libos/net/lwip/arch/*.h libos/net/lwip/sources.mk) | $(TOOLCHAIN)
	sh toolchain/build.sh
	@touch $@

toolchain: $(TOOLCHAIN)

# ---- configuration -------------------------------------------------------------------------------

CONFIG_H := $(B)/config/config.h
define NEWLINE


endef
define CONFIG_TEXT
/* Generated from Config.mk. */
#pragma once
$(subst $(NEWLINE) ,$(NEWLINE),$(foreach c,$(CONFIG_NAMES),$(NEWLINE)#define $(c) $(if $(filter y,$($(c))),1,0)))
endef
ifneq ($(strip $(file <$(CONFIG_H))),$(strip $(CONFIG_TEXT)))
$(shell mkdir -p $(dir $(CONFIG_H)))
$(file >$(CONFIG_H),$(CONFIG_TEXT))
endif

# Xen's public headers, and nothing else of the host's /usr/include.
XEN_HEADERS := $(B)/include/xen
$(XEN_HEADERS):
	@mkdir -p $(@D)
	@test -d /usr/include/xen || { echo "Xen's public headers are missing: install libxen-dev" >&2; exit 1; }
	ln -sfn /usr/include/xen $@

# ---- rooms ---------------------------------------------------------------------------------------

# No padding between functions or before loops, and calls without the prefix that ld leaves of a call by way
# of the GOT: measured, 5% of an image and not one instruction more (docs/performance.md, "Size").
DENSE    := -ffunction-sections -fdata-sections -falign-functions=1 -falign-loops=1 -falign-jumps=1 \
            -falign-labels=1 -malign-data=abi -fplt
WARNINGS := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Werror
CFLAGS   := -std=gnu11 -g $(WARNINGS) $(DENSE) -ffile-prefix-map=$(CURDIR)/=
ASFLAGS  := -g -Wa,--noexecstack -Wall -Werror -ffile-prefix-map=$(CURDIR)/=

# What runs in interrupts must not touch vector registers; what runs before TLS exists has no canary.
# libos/fs and libos/libc have functions that are called back there: who waits is told so, timers, signals. Of
# libos/net only net_card_* has.
GENERAL   := -mgeneral-regs-only
INTERRUPT := $(GENERAL) -include libos/include/pith/plain_string.h
EARLY     := $(INTERRUPT) -fno-stack-protector

# What runs once at boot, in a crash or seldom is compiled for size; the list is about files, not lines. Copies stay
# calls there, too (toolchain/target-flags): what gcc takes for smaller is `rep movsb`, a byte at a time under TCG.
OPT    := -O2
SELDOM := platform/x86/% platform/xen/% $(addprefix libos/fs/,console console_input) libos/libc/start \
          $(addprefix platform/kvm/,acpi% i8042 ioapic keyboard kvm power% rtc serial) libos/libc/signal% \
          $(addprefix libos/libc/,point polling_masked pthread_cancel heap_large heap_map) $(addprefix libos/core/,attention thread trap) \
          $(addprefix libos/core/,backtrace cmdline exit log log_format main panic random rngdev stop symbols \
          thread_create thread_memory timer_heap tls trace) \
          $(addprefix libos/fs/,cpio devfs devfs_tree initrd vfs_attr vfs_names mounts p9_%)
SELDOM += $(addprefix platform/kvm/,pci% virtio virtio_%_probe virtio_blk_watch virtio_bus virtio_console virtio_mmio% \
          virtio_pci% virtio_rng virtio_9p)
SELDOM += $(addprefix libos/net/,net_card_cut net_checksum net_tcp_ticks net_timers net_wait net_random siphash sock_tcp_listen)
SELDOM += libos/fs/epoll_nest libos/libc/strerror
SELDOM += $(addprefix libos/net/,netdev netinfo% net_announce net_config net_dns net_icmp net_parse net_stats net_card_attach \
          sock_addr sock_exit sock_port sock_icmp sock_multicast sock_opt% sock_tcp_close sock_tcp_connect sock_tcp_opt sock_udp_opt)
SELDOM += lwip/netif/ethernet $(addprefix lwip/core/,def dns inet_chksum init netif stats tcp $(addprefix ipv4/,dhcp etharp icmp igmp ip4_addr ip4_frag) \
          $(addprefix ipv6/,icmp6 inet6 ip6 ip6_addr ip6_frag mld6 nd6))
SELDOM += $(addprefix libos/fs/,condev confile ramfs_dir vfs_open) \
          $(addprefix libos/libc/,dns_% ftw getaddrinfo getnameinfo ifaddrs netdb_% passwd scandir sysconf uname) \
          $(addprefix libos/libc/,dir fcntl file_locks inet_ntop open sched stat time_zone) \
          $(addprefix libos/libc/,auxv backtrace_calls confstr mremap pthread_robust semaphore_named shm statx)
# What the profiles of docs/performance.md show seldom or not at all, and that is larger with -O2.
SELDOM += $(addprefix libos/core/,page page_buddy stack_check) \
          $(addprefix libos/fs/,blkdev_list blkfile epoll_items eventfd ramfs ramfs_data sendfile vfs vfs_file vfs_path) \
          $(addprefix libos/libc/,socket socket_accept socket_calls time_break) \
          $(addprefix libos/net/,net_errno sock_udp sock_zerocopy%) \
          $(addprefix lwip/core/,ip udp $(addprefix ipv4/,etharp ip4_addr) $(addprefix ipv6/,ethip6 ip6))
# The flags behind -Os were measured: they make gcc 12's code for the monitor a twelfth smaller.
OPT_MONITOR := -Os -mstringop-strategy=rep_8byte -fomit-frame-pointer -fno-expensive-optimizations -fno-move-loop-invariants \
               -fno-caller-saves -fno-if-conversion -fno-thread-jumps -fno-shrink-wrap -fno-tree-tail-merge
OFTEN  := $(addprefix platform/x86/,clock irq_run mem pvclock)
OFTEN  += $(addprefix platform/xen/,blkfront blkfront_request)

I_LIBOS := -I libos/include -I $(B)/config
# lwIP's headers count as the system's: its code doesn't have our style.
LWIP    := $(B)/src/lwip-2.2.1/src
I_LWIP  := -I libos/net/lwip -I $(B)/include/lwip -isystem $(LWIP)/include
# So do libext2fs's, by which libos/fs/ext_*.c knows ext4.
EXT2FS  := $(B)/src/e2fsprogs-1.47.0/lib
I_EXT2FS := -I libos/fs/ext2fs -isystem $(B)/include/ext2fs -isystem $(EXT2FS) -isystem $(EXT2FS)/ext2fs
I_X86   := $(I_LIBOS) -I platform/x86/include -I $(B)/include

-include libos/core/sources.mk libos/libc/sources.mk libos/fs/sources.mk libos/net/sources.mk
-include libos/net/lwip/sources.mk libos/fs/ext2fs/sources.mk
-include platform/x86/sources.mk platform/xen/sources.mk platform/kvm/sources.mk

# Dependencies count the system's headers (-MD): lwIP's options come by way of its own, which are such. The
# configuration is one of those that the compiler finds: another one makes anew what includes it.
# room, sources, flags: defines OBJS_room and how its objects are made.
define room
OBJS_$(1) := $$(patsubst %,$(B)/obj/$(1)/%.o,$$(basename $(2)))
OBJS += $$(OBJS_$(1))
$(B)/obj/$(1)/%.o: $(1)/%.c Makefile $(TOOLCHAIN) | $(CONFIG_H) $(XEN_HEADERS)
	@mkdir -p $$(@D)
	@echo "  CC   $$<"
	@$(CC) $(CFLAGS) $$(OPT) $(3) -MD -MP -c $$< -o $$@
$(B)/obj/$(1)/%.o: $(1)/%.S Makefile $(TOOLCHAIN) | $(CONFIG_H) $(XEN_HEADERS)
	@mkdir -p $$(@D)
	@echo "  AS   $$<"
	@$(CC) $(ASFLAGS) $(3) -MD -MP -c $$< -o $$@
endef

$(eval $(call room,libos/core,$(LIBOS_CORE_SRCS),$(INTERRUPT) $(I_LIBOS)))
$(eval $(call room,libos/libc,$(LIBOS_LIBC_SRCS),$$(GENERAL) $(I_LIBOS)))
# The numbers with a point in them, and the frame of a signal's handler, are a thread's own.
$(addprefix $(B)/obj/libos/libc/,fma.o signal_deliver.o time_make.o): GENERAL :=
$(eval $(call room,libos/fs,$(LIBOS_FS_SRCS),$(GENERAL) $(I_LIBOS) $(I_EXT2FS)))
$(eval $(call room,libos/net,$(LIBOS_NET_SRCS),$$(GENERAL) $(I_LIBOS) $(I_LWIP)))
$(OBJS_libos/net): $(LWIP_NAMES)
$(filter-out $(B)/obj/libos/net/net_card%,$(OBJS_libos/net)): GENERAL :=
$(eval $(call room,platform/x86,$(PLATFORM_X86_SRCS),$(EARLY) $(I_X86)))
ifeq ($(CONFIG_XEN),y)
$(eval $(call room,platform/xen,$(PLATFORM_XEN_SRCS),$(EARLY) $(I_X86) -I platform/xen/include))
endif
ifeq ($(CONFIG_KVM),y)
$(eval $(call room,platform/kvm,$(PLATFORM_KVM_SRCS),$(EARLY) $(I_X86) -I platform/kvm/include))
endif

# lwIP is a room whose sources lie below build/src (toolchain/lwip.sh); it has its own warnings.
LWIP_FLAGS := -std=gnu11 -g -Wall -Werror=implicit-function-declaration $(DENSE) \
              -fno-strict-aliasing -ffile-prefix-map=$(CURDIR)/=
OBJS_lwip := $(patsubst %.c,$(B)/obj/lwip/%.o,$(LWIP_SRCS))
OBJS += $(OBJS_lwip)
$(OBJS_lwip): $(B)/obj/lwip/%.o: $(TOOLCHAIN) $(LWIP_NAMES) Makefile
	@mkdir -p $(@D)
	@echo "  CC   lwip/$*.c"
	@$(CC) $(LWIP_FLAGS) $(OPT) $(I_LIBOS) $(I_LWIP) -MD -MP -c $(LWIP)/$*.c -o $@

# libext2fs likewise (toolchain/ext2fs.sh).
OBJS_ext2fs := $(patsubst %.c,$(B)/obj/ext2fs/%.o,$(EXT2FS_SRCS))
OBJS += $(OBJS_ext2fs)
$(OBJS_ext2fs): $(B)/obj/ext2fs/%.o: $(TOOLCHAIN) libos/fs/ext2fs/config.h Makefile
	@mkdir -p $(@D)
	@echo "  CC   ext2fs/$*.c"
	@$(CC) $(LWIP_FLAGS) -w $(OPT) $(I_EXT2FS) $(I_LIBOS) -MD -MP -c $(EXT2FS)/ext2fs/$*.c -o $@

$(patsubst %,$(B)/obj/%.o,$(filter-out $(OFTEN),$(filter $(SELDOM),$(patsubst $(B)/obj/%.o,%,$(OBJS))))): OPT := -Os -fno-jump-tables

# The monitor has to be small: it fills pages of its own, two of them. Backtraces never go through it.
$(patsubst %,$(B)/obj/%.o,$(filter platform/x86/monitor/%,$(patsubst $(B)/obj/%.o,%,$(OBJS)))): OPT := $(OPT_MONITOR)

# The archive is made anew, so that a file taken off a list is gone from it too; "q", because two rooms
# may have a file of the same name.
$(LIB): $(OBJS) $(B)/lib/objects.list
	@mkdir -p $(@D)
	@echo "  AR   $@"
	@rm -f $@
	@$(AR) qcsD $@ $(OBJS)
	@LC_ALL=C $(PYTHON) toolchain/cli/private_symbols.py $@ libos/include $(B)/sysroot/include \
		> $(B)/lib/private.symbols

ifneq ($(strip $(file <$(B)/lib/objects.list)),$(strip $(OBJS)))
$(shell mkdir -p $(B)/lib)
$(file >$(B)/lib/objects.list,$(OBJS))
endif
$(B)/lib/objects.list: ;

lib: $(LIB)
all: $(TOOLCHAIN) $(LIB)

# ---- applications --------------------------------------------------------------------------------
# An application is a folder of .c and .S files, or of a recipe (toolchain/packages/make.sh), or both. Its
# app.mk, where it has one, may set app_srcs,
# app_cflags, app_libs,
# app_root, a folder below it that is packed into the image, and app_mounts, the kinds of file systems that
# the option mount= can name (9p, ext4); app_root := recipe is the folder that the recipe has filled. apps/NAME is built in build/NAME; other folders keep their path below build,
# so that two of the same name don't meet.

app_dirs := $(patsubst %/,%,$(APP))
app_out   = $(B)/$(if $(filter /%,$(1)),outside$(1),$(patsubst apps/%,%,$(1)))

comma := ,
RECIPES := $(filter-out %/probe-cc.sh,$(wildcard toolchain/packages/*))
define app_rules
app_srcs := $$(notdir $$(wildcard $(1)/*.c $(1)/*.S))
app_cflags :=
app_libs :=
app_root :=
app_mounts :=
-include $(1)/app.mk
OUT_$(1) := $(call app_out,$(1))
APP_OBJS_$(1) := $$(patsubst %,$$(OUT_$(1))/obj/%.o,$$(basename $$(app_srcs)))
APP_OBJS += $$(APP_OBJS_$(1))
$$(OUT_$(1))/obj/%.o: $(1)/%.c Makefile $(TOOLCHAIN) $(wildcard $(1)/app.mk)
	@mkdir -p $$(@D)
	@echo "  CC   $$<"
	@$(CC) -O2 -g -Wall -ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)/= \
		$(if $(filter tests/%,$(1)),-I tests/guest) $$(app_cflags_$(1)) -MD -MP -c $$< -o $$@
$$(OUT_$(1))/obj/%.o: $(1)/%.S Makefile $(TOOLCHAIN)
	@mkdir -p $$(@D)
	@$(CC) -g -MD -MP -c $$< -o $$@
app_cflags_$(1) := $$(app_cflags)
link_$(1) := $$(if $$(wildcard $(1)/recipe),$$(OUT_$(1))/link)
$$(OUT_$(1))/link: $(if $(wildcard $(1)/recipe),$(shell find $(1) $$(sed -n 's|^\. "$$top/\(.*\)/recipe"$$|\1|p' $(1)/recipe) -type f)) $(RECIPES) $(TOOLCHAIN) | $(LIB)
	@sh toolchain/packages/make.sh program $(1) $$(OUT_$(1))
$$(APP_OBJS_$(1)): | $$(link_$(1))
app_libs_$(1) := $$(app_libs) $$(addprefix -Wl$$(comma)-u$$(comma)mount_,$$(app_mounts))
app_root_$(1) := $$(app_root)
app_initrd_$(1) := $$(if $$(app_root),$$(OUT_$(1))/initrd.o)
# Packed anew each time, written only when it has changed.
$$(OUT_$(1))/initrd.cpio: FORCE | $$(link_$(1))
	@$(PYTHON) toolchain/cli/initrd.py $$(if $$(filter recipe,$$(app_root_$(1))),$$(OUT_$(1))/root,$(1)/$$(app_root_$(1))) $$@
$$(OUT_$(1))/initrd.o: $$(OUT_$(1))/initrd.cpio $(TOOLCHAIN)
	@printf '.section .pith.initrd, "a"\n.balign 8\n.incbin "%s"\n.section .note.GNU-stack\n' $$< > $$(@:.o=.S)
	@$(CC) -c $$(@:.o=.S) -o $$@
$$(OUT_$(1))/$(notdir $(1)).elf: $$(APP_OBJS_$(1)) $$(link_$(1)) $$(app_initrd_$(1)) $(LIB) platform/x86/link.ld
	@echo "  LINK $$@"
	@$(CC) -O2 -g $$(APP_OBJS_$(1)) $$(if $$(link_$(1)),$$$$(cat $$(link_$(1)))) $$(app_initrd_$(1)) $$(app_libs_$(1)) -Wl,-Map=$$(OUT_$(1))/$(notdir $(1)).map -o $$@
app: $$(OUT_$(1))/$(notdir $(1)).elf
endef
$(foreach a,$(app_dirs),$(eval $(call app_rules,$(a))))

FORCE:

app:
	@$(if $(APP),:,echo "say which: make app APP=apps/hello" >&2; exit 2)

# ---- checks --------------------------------------------------------------------------------------

check: check-rooms check-headers check-limits check-support

# The walls between the rooms, by the symbols of their objects and the files that they included.
check-rooms: $(LIB)
	@$(PYTHON) toolchain/cli/rooms.py $(B) tests/rooms.list

# Each header compiles alone, with its room's -I list.
check-headers: $(TOOLCHAIN) $(CONFIG_H) $(XEN_HEADERS)
	@$(PYTHON) toolchain/cli/headers.py "$(CC) $(CFLAGS)" "libos/include=$(I_LIBOS)" \
		"platform/x86/include=$(I_X86)" "platform/xen/include=$(I_X86) -I platform/xen/include" \
		"platform/kvm/include=$(I_X86) -I platform/kvm/include"

# The monitor's size in lines, and no file over 500 lines.
check-limits:
	@$(PYTHON) toolchain/cli/limits.py .

# toolchain/cli/support.list, what `pith check` knows, says what the libraries have.
check-support: $(LIB)
	@$(PYTHON) toolchain/cli/support.py $(B)

clean:
	rm -rf $(B)/obj $(B)/lib/libpith.a $(B)/lib/objects.list $(B)/config

-include $(OBJS:.o=.d) $(APP_OBJS:.o=.d)
