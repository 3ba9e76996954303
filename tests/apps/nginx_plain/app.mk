app_root   := recipe
app_mounts := 9p
