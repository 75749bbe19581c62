/* SPDX-License-Identifier: MIT */
/* setters.h - what each option does to the configuration. Each returns 0, or an error with why. */
#ifndef SUP_CLI_SETTERS_H
#define SUP_CLI_SETTERS_H

#include "run/config.h"

int set_listen(Config *c, const char *value, char **ret_why);
int set_as(Config *c, const char *value, char **ret_why);
int set_workers(Config *c, const char *value, char **ret_why);
int set_capture(Config *c, const char *value, char **ret_why);
int set_compat(Config *c, const char *value, char **ret_why);
int set_stdin(Config *c, const char *value, char **ret_why);
int set_no_listen_pid(Config *c, const char *value, char **ret_why);
int set_command(Config *c, const char *value, char **ret_why);
int set_restart(Config *c, const char *value, char **ret_why);
int set_restart_limit(Config *c, const char *value, char **ret_why);
int set_backoff_max(Config *c, const char *value, char **ret_why);
int set_ready(Config *c, const char *value, char **ret_why);
int set_start_timeout(Config *c, const char *value, char **ret_why);
int set_watchdog(Config *c, const char *value, char **ret_why);
int set_reload(Config *c, const char *value, char **ret_why);
int set_drain(Config *c, const char *value, char **ret_why);
int set_drain_timeout(Config *c, const char *value, char **ret_why);
int set_drain_idle(Config *c, const char *value, char **ret_why);
int set_max_surge(Config *c, const char *value, char **ret_why);
int set_max_old(Config *c, const char *value, char **ret_why);
int set_standby(Config *c, const char *value, char **ret_why);
int set_control(Config *c, const char *value, char **ret_why);
int set_stop_signal(Config *c, const char *value, char **ret_why);
int set_stop_timeout(Config *c, const char *value, char **ret_why);
int set_user(Config *c, const char *value, char **ret_why);
int set_group(Config *c, const char *value, char **ret_why);
int set_chdir(Config *c, const char *value, char **ret_why);
int set_umask(Config *c, const char *value, char **ret_why);
int set_env(Config *c, const char *value, char **ret_why);
int set_env_file(Config *c, const char *value, char **ret_why);
int set_limit(Config *c, const char *value, char **ret_why);
int set_pid_file(Config *c, const char *value, char **ret_why);
int set_orphan(Config *c, const char *value, char **ret_why);
int set_name(Config *c, const char *value, char **ret_why);
int set_log_format(Config *c, const char *value, char **ret_why);
int set_quiet(Config *c, const char *value, char **ret_why);
int set_verbose(Config *c, const char *value, char **ret_why);

#endif
