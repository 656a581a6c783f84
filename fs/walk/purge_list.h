/* fs/walk/purge_list.h - the files that a purge made unreadable, each once, for its receipt. */
#ifndef DEPFS_WALK_PURGE_LIST_H
#define DEPFS_WALK_PURGE_LIST_H

#include "crypto/base/err.h"
#include "fs/content/usage.h"
#include "fs/walk/walk.h"

struct job;

/* All but purge_list_add() are called from the job's thread; for other kinds of jobs they do
 * nothing. */
int purge_list_begin(struct walk *w, struct job *j, struct err *err) MUST_CHECK;
/* purge_list_add() - the scan came to @file, which is listed if it is under the purged policy. Any
 * thread. */
void purge_list_add(struct walk *w, struct job *j, const struct usage_file *file, int dir_fd,
		    const char *name);
/* purge_list_end() - writes the receipt. */
int purge_list_end(struct walk *w, const struct scan_result *res, struct err *err) MUST_CHECK;
void purge_list_give_up(struct walk *w);

#endif
