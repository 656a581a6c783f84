#include "fs/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool to_syslog;

void report(int priority, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (to_syslog) {
		vsyslog(priority, fmt, args);
	} else {
		(void)fputs("depfs: ", stderr); /* failure cannot be reported */
		(void)vfprintf(stderr, fmt, args);
		(void)fputc('\n', stderr);
	}
	va_end(args);
}

/* The socket of $NOTIFY_SOCKET, or -1. It stays open: once system calls are filtered no other can
 * be had. */
static int notify_fd = -1;

static void notify_failed(void)
{
	report(LOG_WARNING, "the service manager could not be notified: %s", strerror(errno));
}

static void notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = path ? strlen(path) : 0;
	CLEANUP(close_fd_p) int fd = -1;

	if (!len || len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0'; /* abstract */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		notify_failed();
		return;
	}
	notify_fd = fd;
	fd = -1;
}

/* Without libsystemd, which would be linked for this alone. */
void report_state(const char *state)
{
	static bool opened;

	if (!opened)
		notify_open();
	opened = true;
	if (notify_fd >= 0 && send(notify_fd, state, strlen(state), MSG_NOSIGNAL) < 0)
		notify_failed();
}

int background_begin(int *ret_ready_fd)
{
	int fds[2];
	pid_t pid;
	char ok;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		(void)close(fds[1]); /* the child's end */
		_exit(read(fds[0], &ok, 1) == 1 ? 0 : 1);
	}
	(void)close(fds[0]); /* the parent's end */
	(void)setsid();	     /* a new process is no group leader: cannot fail */
	*ret_ready_fd = fds[1];
	return 0;
}

int background_end(int ready_fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0)
		return -errno;
	openlog("depfs", LOG_PID, LOG_DAEMON);
	to_syslog = true;
	if (write(ready_fd, "k", 1) != 1)
		return -EIO;
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(null_fd, fd) < 0)
			return -errno;
	(void)close(ready_fd); /* all is written */
	return chdir("/") < 0 ? -errno : 0;
}
