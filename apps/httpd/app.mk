app_root := root
app_cflags := -Os
