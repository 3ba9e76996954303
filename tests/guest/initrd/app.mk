# A folder packed into the image.
app_root := root
