/* fs/report.h - messages to the administrator, and the way from a terminal to the background. */
#ifndef DEPFS_REPORT_H
#define DEPFS_REPORT_H

#include <syslog.h>

#include "crypto/base/cleanup.h"

/* report() - a line on standard error; after background_end() in syslog, with @priority. */
void report(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * report_state() - one message to the service manager, if one started the daemon
 * @state: lines of sd_notify(3), as "READY=1". By one thread, the first time before system calls
 * are filtered.
 */
void report_state(const char *state);

/*
 * background_begin() - go on in a child process
 * The parent stays until background_end() and then exits with 0, so that its caller finds the mount
 * there; it exits with 1 when the child ends before. Until then the child reports on the parent's
 * standard error. Return: 0; -errno.
 */
int background_begin(int *ret_ready_fd) MUST_CHECK;
/* background_end() - let the parent exit, and leave the terminal; closes @ready_fd. */
int background_end(int ready_fd) MUST_CHECK;

#endif
