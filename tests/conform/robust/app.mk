app_cflags := -fno-builtin
