/* fs/walk/walk.h - a job visits files: each one under its folders, and those that move meanwhile.
 */
#ifndef DEPFS_WALK_WALK_H
#define DEPFS_WALK_WALK_H

#include <sys/stat.h>

#include "crypto/base/err.h"
#include "fs/content/file.h"
#include "fs/fuse/session.h"
#include "fs/jobs/job.h"

int visits_new(struct visits **ret_visits) MUST_CHECK;
void visits_free(struct visits *v);

/* visits_listen() - jobs run from now on. visits_silence() - none runs any more. */
int visits_listen(struct session *s, struct err *err) MUST_CHECK;
void visits_silence(struct session *s);

/*
 * A file that gets a name elsewhere could slip past the walk, from a folder that it has not come to
 * into one where it has been. So whoever renames or links, enters before, shows it what is about to
 * move, and leaves afterwards: a file is done at once, a folder is walked later, once in a pass.
 * A folder that is made meanwhile needs no walk: only what is new or was shown comes into it.
 */
void visits_enter(struct session *s);
/* visits_under_way() - a job goes through the files; constant until visits_leave(). */
bool visits_under_way(const struct session *s);
void visits_leave(struct session *s);
/* visit_before_move() - -EINPROGRESS: not on this thread. A failure is the job's to tell: 0. */
int visit_before_move(struct session *s, int dir_fd, const char *name, const struct stat *st,
		      const struct scope *scope, const struct request *rq) MUST_CHECK;
/* visit_before_link() - the same of a file by its descriptor, whose other names the walk may never
 * come to. */
int visit_before_link(struct session *s, int fd, const struct scope *scope,
		      const struct request *rq) MUST_CHECK;
void visit_after_move(struct session *s, int dir_fd, const char *name);
/* visit_made() - a new folder, empty when visits_under_way() said so. */
void visit_made(struct session *s, struct inode *folder);

#endif
