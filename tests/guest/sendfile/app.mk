# The same folder in the image.
app_root := ../initrd/root
