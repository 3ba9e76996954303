app_root := root
