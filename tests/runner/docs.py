def jobs(_w, _f, _r):
    return []
