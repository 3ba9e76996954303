app_mounts := 9p ext4
