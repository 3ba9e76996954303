app_cflags := -std=gnu11 -Wextra -I libos/include
