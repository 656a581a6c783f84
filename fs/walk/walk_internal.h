/* fs/walk/walk_internal.h - what the files of fs/walk/ share: a job's state, its queue, one file
 * for each kind of job. */
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
	bool searching; /* the job looks for renewals left by earlier ones; guarded by lock */
	/* the job finishes renewals and begins none; used by the job's thread alone */
	bool only_ends;
	_Atomic bool unseen;	       /* the job could not look at some file */
	struct purge_list *purge_list; /* of the job; NULL: it is no purge */
	pthread_mutex_t queue_lock;    /* guards what follows, and walk_* of struct inode */
	uint32_t pass;		       /* number of the present pass; counts on through all jobs */
	struct inode **queue;	       /* nodes that moved and are to be walked; held, each once */
	unsigned n_queued, capacity;   /* capacity: of the array */
	bool lost;		       /* a folder that moved is not in the queue */
};

/* walk_renews() - whether the job is one of renewals.c. */
static inline bool walk_renews(const struct job *j)
{
	return job_of(j)->kind == JOB_RENEW;
}

/* ---- file.c: one file, whatever the job ---- */

/* walk_open_file() - a descriptor to read the header from; a negative errno of openat(2). */
int walk_open_file(int dir_fd, const char *name) MUST_CHECK;

enum finding {
	FOUND_NONE, /* no regular file, or an empty one */
	FOUND_FINE, /* needs nothing */
	FOUND_DUE   /* to be re-wrapped or renewed */
};

/* walk_read_header() - the header of what a job comes to: FOUND_NONE, or FOUND_FINE with *ret_hdr.
 * An empty file is just being created, under the target in force; or it is damaged, which a job
 * does not look for. -EBADMSG: it has no header that can be read. */
int walk_read_header(int fd, struct stat *ret_st, struct header *ret_hdr) MUST_CHECK;

/* walk_path() - the path of @name in the folder @dir_fd, relative to the store's top. */
#define WALK_PATH_LEN (4096 + 256)
void walk_path(const struct walk *w, int dir_fd, const char *name, char out[static WALK_PATH_LEN]);
/* walk_file_failed() - counts the file as failed and lists it, by its name in the folder
 * @dir_fd. */
void walk_file_failed(struct walk *w, struct job *j, int dir_fd, const char *name, int r);

/* walk_target_key() - checks that the key of @target can be had: without it no file can be done,
 * which is not a failure of one file. */
int walk_target_key(struct walk *w, const struct wrap_ref *target, const struct request *rq,
		    struct err *err) MUST_CHECK;

/* ---- one file for each kind of job. @fd: of the file, consumed, or an errno. Return: 1: done,
 * skipped or failed, and counted; 0: not a file for the job; negative: no file can be done now,
 * @err says why. ---- */

/* rewrap.c: through the file's content (fs/content/file.h), which programs that have it open
 * share */
int walk_rewrap_file(struct walk *w, struct job *j, int dir_fd, const char *name, int fd,
		     const struct scope *scope, const struct request *rq,
		     struct err *err) MUST_CHECK;
/* walk_rewrap_early() - before the file gets another name, or queued where that would have to wait
 * for a vault; -EINPROGRESS: needs a thread that may block; else 0. */
int walk_rewrap_early(struct walk *w, struct job *j, int dir_fd, const char *name, int fd,
		      const struct scope *scope, const struct request *rq) MUST_CHECK;
/* walk_rewrap_moved() - re-wraps a file that was queued. Negative: the job cannot go on. */
int walk_rewrap_moved(struct walk *w, struct job *j, struct inode *i, struct err *err) MUST_CHECK;

/* scan.c: 1: counted now, which happens once to a file, or failed; 0: counted before, or no file */
int walk_scan_file(struct walk *w, struct job *j, int dir_fd, const char *name, int fd,
		   const struct scope *scope);
/* walk_scan_mailboxes() - how many folders there are below mailbox/. */
int walk_scan_mailboxes(struct walk *w, uint64_t *ret_n) MUST_CHECK;

/* renewals.c */
int walk_renew_file(struct walk *w, struct job *j, int dir_fd, const char *name, int fd,
		    const struct scope *scope, const struct request *rq,
		    struct err *err) MUST_CHECK;
/* walk_renew_moved() - renews a file that was queued. */
int walk_renew_moved(struct walk *w, struct job *j, struct inode *i, struct err *err) MUST_CHECK;
/* walk_renew_before_move() - queues a file or folder below the job's path before it moves away or
 * gets another name; while the job searches, any that moves. */
void walk_renew_before_move(struct walk *w, struct job *j, int dir_fd, const char *name,
			    const struct stat *st);
/* walk_renew_find() - for struct job_runner. */
int walk_renew_find(void *arg, const char *path, struct err *err) MUST_CHECK;

/* ---- queue.c: the pass, and what moved ---- */

/* walk_next_pass() - begins a pass: no folder counts as walked. */
void walk_next_pass(struct walk *w);
/* walk_has_passed() - whether this pass has been through the folder, wherever it lay then;
 * walk_mark_passed() - it has now. A folder that the kernel does not know is not remembered. */
bool walk_has_passed(struct walk *w, int dir_fd);
void walk_mark_passed(struct walk *w, int dir_fd);
/* walk_enqueue() - queues @i, whose hold is consumed; @due: see struct inode. A folder that was
 * walked in this pass is not queued. False: the queue is full. */
bool walk_enqueue(struct walk *w, struct inode *i, bool due);
/* walk_enqueue_folder() - queues a folder that moved; NULL: it has no node. A folder that is not
 * queued costs another pass over everything. */
void walk_enqueue_folder(struct walk *w, struct inode *i);
/* walk_dequeue() - takes a node out of the queue, held; NULL: it is empty. *ret_lost: it is empty,
 * and a folder was not queued. */
struct inode *walk_dequeue(struct walk *w, bool *ret_lost, bool *ret_due);

/* ---- tree.c: the files under folders ---- */

/* tree_walk_job() - every file of the job, from its cursor on; -EINTR when it stops. */
int tree_walk_job(struct walk *w, struct job *j, const char *cursor, struct err *err) MUST_CHECK;
/* tree_walk_store() - every file of the store, from its top on, whatever the job's roots. */
int tree_walk_store(struct walk *w, struct job *j, struct err *err) MUST_CHECK;
/* tree_walk_folder() - a folder that moved, with all below it. @dir_fd is consumed. */
int tree_walk_folder(struct walk *w, struct job *j, int dir_fd, const struct scope *scope,
		     struct err *err) MUST_CHECK;
/* tree_count() - how many files tree_walk_job() will come to. */
int tree_count(struct walk *w, struct job *j, uint64_t *ret_files) MUST_CHECK;

#endif
