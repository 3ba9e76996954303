app_cflags := -O2
