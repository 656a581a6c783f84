/* fs/walk/walk_internal.h - what the parts of a job's walk share. */
#ifndef DEPFS_WALK_WALK_INTERNAL_H
#define DEPFS_WALK_WALK_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "crypto/header.h"
#include "fs/content/file.h"
#include "fs/jobs/job.h"
#include "fs/walk/walk.h"

struct purge_list;

struct walk {
	struct volume *v;
	struct jobs *jobs;
	pthread_rwlock_t lock; /* read: a name changes; write: a job begins or ends */
	struct job *job;       /* NULL: none; guarded by lock */
	bool searching; /* a renewal job looks for renewals that another left; guarded by lock */
	bool only_ends; /* what was begun is ended, nothing new begins; the job's thread's own */
	_Atomic bool unseen;	       /* this job could not look at some file */
	struct purge_list *purge_list; /* of the job that runs; NULL: it lists nothing */
	pthread_mutex_t queue_lock;    /* guards what follows, and walk_* of struct inode */
	uint32_t pass;		       /* number of the pass over all files, over all jobs */
	struct inode **queue;	       /* they moved, and are yet to be walked; held, each once */
	unsigned n_queued, capacity;   /* capacity: of the array */
	bool lost;		       /* a folder moved that is not in the queue */
};

/* walk_renews() - whether the job is one of renewals.c. */
static inline bool walk_renews(const struct job *j)
{
	return job_of(j)->kind == JOB_RENEW;
}

/* ---- file.c: one file, whatever the job ---- */

/* walk_open_file() - to read its header; an errno when that cannot be. */
int walk_open_file(int dir_fd, const char *name) MUST_CHECK;

enum finding {
	FOUND_NONE, /* no file, or none that counts */
	FOUND_FINE, /* needs nothing */
	FOUND_DUE   /* to be re-wrapped or renewed */
};

/* walk_read_header() - the header of what a job comes to: FOUND_NONE, or FOUND_FINE with *ret_hdr.
 * An empty file counts as none: it is just being made, under the target in force; or damaged, which
 * a job does not look for. -EBADMSG: it has no header that can be read. */
int walk_read_header(int fd, struct stat *ret_st, struct header *ret_hdr) MUST_CHECK;

/* walk_path() - of a name in the folder @dir_fd, relative to the store's top. */
#define WALK_PATH_LEN (4096 + 256)
void walk_path(const struct walk *w, int dir_fd, const char *name, char out[static WALK_PATH_LEN]);
/* walk_file_failed() - counted and listed, by the name in the folder @dir_fd. */
void walk_file_failed(struct walk *w, struct job *j, int dir_fd, const char *name, int r);

/* walk_target_key() - the key of @target can be had: without it no file can be done, which is no
 * failure of the file. */
int walk_target_key(struct walk *w, const struct wrap_ref *target, const struct request *rq,
		    struct err *err) MUST_CHECK;

/* ---- one file for each kind of job. @fd: of the file, consumed, or an errno. Return: 1: it
 * counts; 0: it does not; negative: no file can be done now, @err says why; a failure of the file
 * itself is counted and gives 1. ---- */

/* rewrap.c: as programs do, so that programs that have it open have the same header */
int walk_rewrap_file(struct walk *w, struct job *j, int dir_fd, const char *name, int fd,
		     const struct scope *scope, const struct request *rq,
		     struct err *err) MUST_CHECK;
/* walk_rewrap_early() - before it moves; -EINPROGRESS: not on this thread, else 0. */
int walk_rewrap_early(struct walk *w, struct job *j, int dir_fd, const char *name, int fd,
		      const struct scope *scope, const struct request *rq) MUST_CHECK;

/* scan.c: gives 1 when the file counts, from the first time that the scan comes to it */
int walk_scan_file(struct walk *w, struct job *j, int dir_fd, const char *name, int fd,
		   const struct scope *scope);
/* walk_scan_mailboxes() - how many folders there are below mailbox/. */
int walk_scan_mailboxes(struct walk *w, uint64_t *ret_n) MUST_CHECK;

/* renewals.c */
int walk_renew_file(struct walk *w, struct job *j, int dir_fd, const char *name, int fd,
		    const struct scope *scope, const struct request *rq,
		    struct err *err) MUST_CHECK;
/* walk_renew_moved() - a file of the queue. */
int walk_renew_moved(struct walk *w, struct job *j, struct inode *i, struct err *err) MUST_CHECK;
/* walk_renew_before_move() - what lies below the job's path is queued before it moves away or gets
 * another name; while the job searches, so is all that moves. */
void walk_renew_before_move(struct walk *w, struct job *j, int dir_fd, const char *name,
			    const struct stat *st);
/* walk_renew_find() - for struct job_runner. */
int walk_renew_find(void *arg, const char *path, struct err *err) MUST_CHECK;

/* ---- queue.c: the pass, and what moved ---- */

/* walk_next_pass() - from now on no folder counts as walked. */
void walk_next_pass(struct walk *w);
/* walk_has_passed() - whether this pass has been through the folder, wherever it lay then;
 * walk_mark_passed() - it has now. A folder that the kernel does not know is not remembered. */
bool walk_has_passed(struct walk *w, int dir_fd);
void walk_mark_passed(struct walk *w, int dir_fd);
/* walk_enqueue() - @i, whose hold is consumed, is to be walked; @due: see struct inode. A folder of
 * this pass needs nothing. False: the queue is full. */
bool walk_enqueue(struct walk *w, struct inode *i, bool due);
/* walk_enqueue_folder() - a folder that moved, or NULL: one that has no node. One that does not fit
 * costs another pass over everything. */
void walk_enqueue_folder(struct walk *w, struct inode *i);
/* walk_dequeue() - one of the queue, held; NULL: it is empty. *ret_lost: and a folder did not fit.
 */
struct inode *walk_dequeue(struct walk *w, bool *ret_lost, bool *ret_due);

/* ---- tree.c: the files under folders ---- */

/* tree_walk_job() - every file of the job, from its cursor on; -EINTR when it stops. */
int tree_walk_job(struct walk *w, struct job *j, const char *cursor, struct err *err) MUST_CHECK;
/* tree_walk_store() - the same of the whole store, from its top on, whatever the job's roots. */
int tree_walk_store(struct walk *w, struct job *j, struct err *err) MUST_CHECK;
/* tree_walk_folder() - a folder that moved, with all that is below it. @dir_fd is consumed. */
int tree_walk_folder(struct walk *w, struct job *j, int dir_fd, const struct scope *scope,
		     struct err *err) MUST_CHECK;
/* tree_count() - how many files tree_walk_job() will come to. */
int tree_count(struct walk *w, struct job *j, uint64_t *ret_files) MUST_CHECK;

#endif
