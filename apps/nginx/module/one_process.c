// SPDX-License-Identifier: BSD-2-Clause
/*
 * nginx in one process: modules for nginx that do in it what its master, worker and cache processes do.
 *
 * nginx has a mode for it (`daemon off; master_process off;`), made for debugging: it forgets about caches and
 * ends in the middle of requests. Here configurations work as they are, SIGTERM finishes what is under
 * way, and cache_path's limits hold.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#define HOUR_MS (60 * 60 * 1000)

static ngx_event_t manager_event;
static ngx_connection_t manager_connection; /* nginx' events belong to one */

/* The cycle that signal handlers look at while the real one is taken apart. */
static ngx_cycle_t last_cycle;
static ngx_log_t last_log;
static ngx_open_file_t last_file;

/*
 * What the configuration says of processes: one, in the foreground. This is called behind the core module's
 * own look at its directives and before the events make a listening socket for each worker.
 */
static char *prefer_one_process(ngx_cycle_t *cycle, void *conf)
{
    ngx_core_conf_t *core = (ngx_core_conf_t *)ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    (void)conf;
    core->daemon = 0;
    core->master = 0;
    core->worker_processes = 1; /* for each there would be a listening socket with reuseport */
    return NGX_CONF_OK;
}

/* Caches keep their sizes by looking at them now and then; each tells when it wants to be looked at again. */
static void manage_caches(ngx_event_t *event)
{
    ngx_path_t **paths = ngx_cycle->paths.elts;
    ngx_msec_t next = HOUR_MS;

    for (ngx_uint_t i = 0; i < ngx_cycle->paths.nelts; i++) {
        if (paths[i]->manager != NULL) {
            ngx_msec_t wanted = paths[i]->manager(paths[i]->data);
            next = ngx_min(next, wanted);
            ngx_time_update();
        }
    }
    ngx_add_timer(event, ngx_max(next, 1));
}

/* What a share has kept of a cache is read before the first request: later it would hold requests up. */
static void start_caches(ngx_cycle_t *cycle)
{
    ngx_path_t **paths = cycle->paths.elts;
    ngx_uint_t managed = 0;

    for (ngx_uint_t i = 0; i < cycle->paths.nelts; i++) {
        managed += paths[i]->manager != NULL;
        if (paths[i]->loader != NULL) {
            paths[i]->loader(paths[i]->data);
            ngx_time_update();
        }
    }
    if (managed > 0) {
        manager_connection.fd = (ngx_socket_t)-1;
        manager_event.handler = manage_caches;
        manager_event.data = &manager_connection;
        manager_event.log = cycle->log;
        manager_event.cancelable = 1; /* the end does not wait for it */
        ngx_add_timer(&manager_event, 1);
    }
}

static void leave(ngx_cycle_t *cycle)
{
    for (ngx_uint_t i = 0; cycle->modules[i] != NULL; i++) {
        if (cycle->modules[i]->exit_process != NULL) {
            cycle->modules[i]->exit_process(cycle);
        }
    }
    ngx_delete_pidfile(cycle);
    ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0, "exit");

    last_log = *ngx_log_get_file_log(cycle->log);
    last_file.fd = last_log.file->fd;
    last_log.file = &last_file;
    last_log.next = NULL;
    last_log.writer = NULL;
    last_cycle.log = &last_log;
    last_cycle.files = cycle->files;
    last_cycle.files_n = cycle->files_n;
    ngx_cycle = &last_cycle;
    ngx_destroy_pool(cycle->pool);
    exit(0);
}

static void begin_the_end(ngx_cycle_t *cycle)
{
    ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0, "gracefully shutting down");
    ngx_exiting = 1;
    ngx_set_shutdown_timer(cycle);
    ngx_close_listening_sockets(cycle);
    ngx_close_idle_connections(cycle);
}

/*
 * A worker's loop. It stands in the last module's init_process, which nginx calls right before its own loop
 * for a single process, and never goes back there. The first signal to end finishes the requests, another one does not.
 */
static ngx_int_t serve(ngx_cycle_t *cycle)
{
    start_caches(cycle);
    while (!ngx_exiting || ngx_event_no_timers_left() != NGX_OK) {
        ngx_process_events_and_timers(cycle);
        if (ngx_quit || ngx_terminate) {
            if (ngx_exiting && ngx_terminate) {
                break;
            }
            ngx_quit = 0;
            ngx_terminate = 0;
            if (!ngx_exiting) {
                begin_the_end(cycle);
            }
        }
        if (ngx_reopen) {
            ngx_reopen = 0;
            ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0, "reopening logs");
            ngx_reopen_files(cycle, (ngx_uid_t)-1);
        }
    }
    leave(cycle);
    return NGX_OK;
}

static ngx_core_module_t one_process_context = {ngx_string("one_process"), NULL, prefer_one_process};
static ngx_command_t no_commands[] = {ngx_null_command};

ngx_module_t ngx_one_process_module = {
    NGX_MODULE_V1, &one_process_context, no_commands, NGX_CORE_MODULE,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NGX_MODULE_V1_PADDING,
};

static ngx_core_module_t cycle_context = {ngx_string("one_process_cycle"), NULL, NULL};

ngx_module_t ngx_one_process_cycle_module = {
    NGX_MODULE_V1, &cycle_context, no_commands, NGX_CORE_MODULE,
    NULL, NULL, serve, NULL, NULL, NULL, NULL, NGX_MODULE_V1_PADDING,
};
