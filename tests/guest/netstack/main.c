#include "check.h"
int net_start(void); void net_lock(void);
static void up(void) { CHECK_EQ(net_start(), 0); }
int main(void) { check_run("up", up); return check_done(); }
