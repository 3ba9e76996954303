# The server is httpd's; what is answered is decided here.
app_srcs   := $(notdir $(wildcard apps/sqlited/*.c)) \
              $(addprefix ../httpd/,command.c conn.c date.c exchange.c machine.c metrics.c request.c response.c server.c target.c text.c)
app_cflags := -I apps/httpd
app_mounts := 9p ext4
