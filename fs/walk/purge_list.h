/* fs/walk/purge_list.h - the files that a purge made unreadable, each once, for its receipt. */
#ifndef DEPFS_WALK_PURGE_LIST_H
#define DEPFS_WALK_PURGE_LIST_H

#include "fs/content/usage.h"
#include "fs/fuse/session.h"
#include "fs/policy/purge.h"

/* All but purge_list_see() from the job's thread; for another kind of job they do nothing. */
int purge_list_begin(struct session *s, struct job *j, struct err *err) MUST_CHECK;
/* purge_list_see() - a scan came by this file; any thread. */
void purge_list_see(struct session *s, struct job *j, const struct tally_seen *seen, int dir_fd,
		    const char *name);
/* purge_list_end() - the receipt is there. */
int purge_list_end(struct session *s, const struct scan_result *res, struct err *err) MUST_CHECK;
void purge_list_give_up(struct session *s);

#endif
