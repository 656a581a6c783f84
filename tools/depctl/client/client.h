/* tools/depctl/client/client.h - a mount's control directory (depfs-control(5)) from outside: read
 * a file, write a command. */
#ifndef DEPFS_DEPCTL_CLIENT_CLIENT_H
#define DEPFS_DEPCTL_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

struct client;

/**
 * client_open() - the control directory of @mount, else of the mount that mount_choose() finds
 * Return: 0; errors of mount_choose(); -ENOTDIR, -ENOENT: not a depfs mount; -ENOTCONN: its daemon
 * has ended; -EACCES ... Every failure, of the functions below too, has a sentence.
 */
int client_open(const char *mount, struct client **ret_ctl, struct err *err) MUST_CHECK;
void client_free(struct client *ctl);
DEFINE_CLEANUP(struct client *, client_free)

/* client_mount() - the mount point, borrowed. */
const char *client_mount(const struct client *ctl);

/* Paths are relative to the control directory. */
/* client_fd() - opened for reading; the caller closes it. */
int client_fd(struct client *ctl, const char *path, int *ret_fd, struct err *err) MUST_CHECK;
/* client_read() - the whole file, NUL-terminated; the caller frees it. */
int client_read(struct client *ctl, const char *path, char **ret_text, struct err *err) MUST_CHECK;
/**
 * client_write() - one command, carried out when this returns
 * @ret_answer: what was done, without "ok: " and the last line end; the caller frees it. NULL: not
 * wanted.
 *
 * Signals are held from here on (interrupt.h), by client_mkdir(), _rmdir() and _rename() too.
 * Return: 0; the errno of the write, with the daemon's sentence.
 */
int client_write(struct client *ctl, const char *path, const char *command, char **ret_answer,
		 struct err *err) MUST_CHECK;
int client_mkdir(struct client *ctl, const char *path, struct err *err) MUST_CHECK;
int client_rmdir(struct client *ctl, const char *path, struct err *err) MUST_CHECK;
int client_rename(struct client *ctl, const char *from, const char *to, struct err *err) MUST_CHECK;

/* Names in a folder, sorted; freed by client_names_fini(). */
struct client_names {
	char **names;
	size_t count;
};
int client_list(struct client *ctl, const char *path, struct client_names *ret_names,
		struct err *err) MUST_CHECK;
void client_names_fini(struct client_names *n);

/* client_name_check() - @name can be one part of a path; -EINVAL. @what: "a policy's name". */
int client_name_check(const char *what, const char *name, struct err *err) MUST_CHECK;
/* client_join() - "FOLDER/NAME/FILE", or without FILE when that is NULL; NULL: no memory. */
char *client_join(const char *folder, const char *name, const char *file);

#endif
