/* fs/data/visit.h - a job visits files: each one under its folders, and those that move meanwhile.
 */
#ifndef DEPFS_DATA_VISIT_H
#define DEPFS_DATA_VISIT_H

#include <sys/stat.h>

#include "crypto/err.h"
#include "file.h"
#include "fs/policy/job.h"
#include "fs/session.h"

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

/* ---- between visit.c and visit_walk.c ---- */

/* visit_file() - one file, whatever it is; a failure is counted. Negative: no file can be done now,
 * @err says why. Gives 1 when it was a file that counts. */
int visit_file(struct session *s, struct job *j, int dir_fd, const char *name,
	       const struct scope *scope, const struct request *rq, struct err *err) MUST_CHECK;

/* visit_path() - of a name in the folder @dir_fd, relative to the store's top. */
#define VISIT_PATH_LEN (4096 + 256)
void visit_path(struct session *s, int dir_fd, const char *name, char out[static VISIT_PATH_LEN]);
/* visit_failed() - counted and listed, by the name in the folder @dir_fd. */
void visit_failed(struct session *s, struct job *j, int dir_fd, const char *name, int r);

/* visit_count() - for a scan. @fd is consumed, or an errno. Gives 1 when the file counts, from the
 * first time that it is seen. visit_mailboxes() - how many folders there are below mailbox/. */
int visit_count(struct session *s, struct job *j, int dir_fd, const char *name, int fd,
		const struct scope *scope);
int visit_mailboxes(struct session *s, uint64_t *ret_n) MUST_CHECK;

/* visit_walked() - has this pass been through the folder, wherever that lay then?
 * visit_mark() - it has now; a folder that the kernel does not know is not remembered. */
bool visit_walked(struct session *s, int dir_fd);
void visit_mark(struct session *s, int dir_fd);

/* visit_target_key() - the key of @target is to be had: without it no file can be done, and none is
 * to blame. */
int visit_target_key(struct session *s, const struct wrap_ref *target, const struct request *rq,
		     struct err *err) MUST_CHECK;
void visit_tell_failure(struct session *s, struct job *j, int dir_fd, const char *name, int r);
/* visit_remember() - @i, which is held and consumed, is walked or visited later. @due: see struct
 * inode. False: there is no room; a folder then costs a pass over everything. */
bool visit_remember(struct session *s, struct inode *i, bool due);

/* ---- visit_renew.c: renewals ---- */

int visit_find(void *arg, const char *path, struct err *err) MUST_CHECK;
/* visit_renewed() - as visit_file(); @fd: of the file, consumed, or an errno. */
int visit_renewed(struct session *s, struct job *j, int dir_fd, const char *name, int fd,
		  const struct scope *scope, const struct request *rq, struct err *err) MUST_CHECK;
/* visit_renewed_inode() - a file that moved. */
int visit_renewed_inode(struct session *s, struct job *j, struct inode *i,
			struct err *err) MUST_CHECK;
/* What lies below the job's path is remembered before it moves away, or gets another name; while it
 * searches, so is all that moves. */
void renewed_before_move(struct session *s, struct job *j, int dir_fd, const char *name,
			 const struct stat *st);

/* walk_all() - every file of the job, from its cursor on; -EINTR when it stops. */
int walk_all(struct session *s, struct job *j, const char *cursor, struct err *err) MUST_CHECK;
/* walk_store() - the same of the whole store, from its top on, whatever the job's roots. */
int walk_store(struct session *s, struct job *j, struct err *err) MUST_CHECK;
/* walk_moved() - a folder that moved, with all that is below it. @dir_fd is consumed. */
int walk_moved(struct session *s, struct job *j, int dir_fd, const struct scope *scope,
	       struct err *err) MUST_CHECK;
/* walk_count() - how many files walk_all() will come by. */
int walk_count(struct session *s, struct job *j, uint64_t *ret_files) MUST_CHECK;

#endif
