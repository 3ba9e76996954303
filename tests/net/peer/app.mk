# Sees page and heap statistics, which programs usually have no use for.
app_cflags := -std=gnu11 -Wextra -I libos/include
