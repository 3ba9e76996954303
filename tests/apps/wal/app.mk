app_mounts := 9p
