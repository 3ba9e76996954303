app_cflags := -fno-builtin
app_mounts := 9p
