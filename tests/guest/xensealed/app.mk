# Looks behind the wall of platform.h on purpose.
app_cflags := -std=gnu11 -I libos/include -I platform/x86/include -I platform/xen/include \
              -I build/include
