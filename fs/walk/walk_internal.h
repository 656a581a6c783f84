/* fs/walk/walk_internal.h - between the parts of a job's visit: what visit.c, visit_file.c,
 * visit_move.c, visit_walk.c, visit_count.c and visit_renew.c share. */
#ifndef DEPFS_WALK_WALK_INTERNAL_H
#define DEPFS_WALK_WALK_INTERNAL_H

#include "fs/walk/walk.h"

struct visits {
	pthread_rwlock_t lock;
	struct job *job; /* NULL: none; guarded by lock */
	pthread_mutex_t moved_lock;
	uint32_t pass;		/* over all files, of this job or one before; guarded by moved_lock,
				   as what follows */
	struct inode **moved;	/* held, each once */
	unsigned n_moved, room; /* room: of the array */
	bool lost;		/* a folder moved that is not remembered */
};

/* visit_renews() - is it a job of visit_renew.c? */
static inline bool visit_renews(const struct job *j)
{
	return job_of(j)->kind == JOB_RENEW;
}

/* ---- visit_file.c: one file ---- */

/* visit_file() - one file, whatever it is; a failure is counted. Negative: no file can be done now,
 * @err says why. Gives 1 when it was a file that counts. */
int visit_file(struct session *s, struct job *j, int dir_fd, const char *name,
	       const struct scope *scope, const struct request *rq, struct err *err) MUST_CHECK;

/* visit_path() - of a name in the folder @dir_fd, relative to the store's top. */
#define VISIT_PATH_LEN (4096 + 256)
void visit_path(struct session *s, int dir_fd, const char *name, char out[static VISIT_PATH_LEN]);
/* visit_failed() - counted and listed, by the name in the folder @dir_fd. */
void visit_failed(struct session *s, struct job *j, int dir_fd, const char *name, int r);

/* visit_open() - to read its header; an errno when that cannot be. */
int visit_open(int dir_fd, const char *name) MUST_CHECK;

enum look {
	LOOK_NONE,  /* no file, or none that counts */
	LOOK_FINE,  /* needs nothing */
	LOOK_WANTED /* to be re-wrapped under *ret_target, or renewed */
};

/* visit_header() - the header of what a job comes to: LOOK_NONE, or LOOK_FINE with *ret_hdr.
 * -EBADMSG: it has none that can be read. */
int visit_header(int fd, struct stat *ret_st, struct header *ret_hdr) MUST_CHECK;
/* visit_look() - enum look, by the header. An empty file is one that is just being made, under the
 * target of now; or damage, which a job does not look for. */
int visit_look(struct session *s, struct job *j, int fd, const struct scope *scope,
	       struct stat *ret_st, struct wrap_ref *ret_target) MUST_CHECK;
/* visit_rewrap() - through the same door as programs, so that those that have it open see one
 * header. @fd is consumed. */
int visit_rewrap(struct session *s, int fd, const char *name, const struct stat *st,
		 const struct scope *scope, const struct wrap_ref *target,
		 const struct request *rq) MUST_CHECK;
/* visit_target_key() - the key of @target is to be had: without it no file can be done, and none is
 * to blame. */
int visit_target_key(struct session *s, const struct wrap_ref *target, const struct request *rq,
		     struct err *err) MUST_CHECK;

/* ---- visit_move.c: what moves meanwhile ---- */

/* visit_walked() - has this pass been through the folder, wherever that lay then?
 * visit_mark() - it has now; a folder that the kernel does not know is not remembered. */
bool visit_walked(struct session *s, int dir_fd);
void visit_mark(struct session *s, int dir_fd);

/* visit_remember() - @i, which is held and consumed, is walked or visited later. @due: see struct
 * inode. False: there is no room; a folder then costs a pass over everything. */
bool visit_remember(struct session *s, struct inode *i, bool due);

/* ---- visit_count.c: a scan ---- */

/* visit_count() - for a scan. @fd is consumed, or an errno. Gives 1 when the file counts, from the
 * first time that it is seen. visit_mailboxes() - how many folders there are below mailbox/. */
int visit_count(struct session *s, struct job *j, int dir_fd, const char *name, int fd,
		const struct scope *scope);
int visit_mailboxes(struct session *s, uint64_t *ret_n) MUST_CHECK;

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

/* ---- visit_walk.c: the files under folders ---- */

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
