/* fs/audit/audit_internal.h - an open audit log, and what its writer does. */
#ifndef DEPFS_AUDIT_AUDIT_INTERNAL_H
#define DEPFS_AUDIT_AUDIT_INTERNAL_H

#include <pthread.h>

#include "crypto/base/clock.h"
#include "fs/audit/audit.h"
#include "fs/audit/files_internal.h"
#include "fs/audit/flood_internal.h"
#include "fs/audit/line_internal.h"

#define AUDIT_QUEUE_LEN 4096

/* The event that the next one is chained to, and the newest signature; 0: none. */
struct audit_tail {
	struct audit_head head;
	uint64_t signed_seq;
};

/*
 * Rotation, one step at a time, so that events are written between the steps:
 *   IDLE   until the table is too long; then a signature and "events-continued" are appended
 *   COPY   events from..to are copied into the file "new", which then gets its name
 *   PRUNE  the same events are removed from the table in several transactions; then the oldest
 *          files beyond the bound are removed
 * A step that fails is tried again after a minute. After a restart a file that has its name is
 * pruned, and anything else begins anew.
 */
enum audit_phase {
	ROTATE_IDLE,
	ROTATE_COPY,
	ROTATE_PRUNE
};

struct audit_rotation {
	enum audit_phase phase;
	uint64_t from, to;   /* events, both included */
	uint64_t at;	     /* the next one to copy or prune */
	int fd;		     /* of the file "new"; -1: not open */
	uint64_t again_ms;   /* after a failure: when the step is tried again; 0: at once */
	uint64_t batch_len;  /* bytes of the newest batch */
	uint64_t unseen_len; /* bytes written since the table's length was read */
};

/*
 * Any thread queues the bodies of events; the writer takes all of them at once, so that events
 * that came while it wrote share one fsync(2). A batch that cannot be written is kept and tried
 * again, while the queue fills behind it.
 *
 * lock is the innermost lock of the daemon: events are queued under others. It is held for a few
 * instructions, and to format a count; never across a transaction, or a call of on_append.
 */
struct audit {
	struct store *store;	    /* constant, as the next two */
	uint64_t max_len, file_len; /* bytes, of struct audit_config */
	int files_fd;		    /* folder of files */
	pthread_t writer;
	pthread_mutex_t lock;
	pthread_cond_t work;	 /* the writer has something to do */
	pthread_cond_t progress; /* an attempt to write ended, or on_append returned */

	/* guarded by lock */
	char *queue[AUDIT_QUEUE_LEN]; /* malloc'ed bodies, oldest first */
	size_t queued;
	uint64_t lost; /* not yet counted in an event "events-lost" */
	uint64_t lost_ever;
	uint64_t accepted; /* events ever queued */
	uint64_t durable;  /* how many of them are durable */
	uint64_t failures; /* attempts to write that failed */
	int failure;	   /* the last one's errno */
	struct audit_flood flood;
	bool stop, seal;  /* audit_free(), audit_seal() */
	bool sync_wanted; /* audit_sync() waits: the writer is not to wait for more events */
	bool calling;	  /* on_append runs */
	void (*on_append)(void *arg);
	void *on_append_arg;
	uint64_t last_seq; /* of the newest durable event */
	char *last_line;   /* the same; NULL: none yet */

	/* used by the writer alone */
	struct audit_tail tail;
	uint64_t sign_ms; /* when the events without a signature must have one; 0: there are none */
	struct audit_rotation rotation;
	char *batch[AUDIT_QUEUE_LEN + 1 + AUDIT_FLOOD_KINDS]; /* and events-lost, -coalesced */
	size_t batch_len;
	size_t batch_accepted; /* of these, how many audit_event() queued */
};

/* ---- queue.c ---- */

/* audit_batch_take_locked() - move the queue, and counts that are due, to the batch, which is
 * empty. a->lock is held. */
void audit_batch_take_locked(struct audit *a);
void audit_batch_free(struct audit *a);

/* ---- writer.c ---- */

int audit_writer_start(struct audit *a) MUST_CHECK; /* negative errno of pthread_create(3) */
/* audit_sign_note() - set a->sign_ms by a->tail. */
void audit_sign_note(struct audit *a);

/* ---- append.c ---- */

/* What one transaction appends. */
struct audit_append {
	char *const *bodies;
	size_t n;
	const char *sign; /* the reason of a signature behind them; NULL: only those that are due */
	const char *after; /* a body behind that signature; NULL: none */
	enum store_durability how;
};

/**
 * audit_append() - one transaction; on failure the log and @io_tail stay as they were
 * @ret_line: the newest line, malloc'ed; NULL when nothing was appended
 */
int audit_append(struct store *s, struct audit_tail *io_tail, const struct audit_append *what,
		 char **ret_line, struct err *err) MUST_CHECK;

/**
 * audit_tail_load() - read where the log ends
 * @ret_line: the newest line, malloc'ed; untouched when there is none
 * @ret_damaged: the newest line is not the one that the record "events-head" names
 */
int audit_tail_load(struct store *s, struct audit_tail *ret_tail, char **ret_line,
		    bool *ret_damaged, struct err *err) MUST_CHECK;

/* ---- rotate.c ---- */

/* audit_rotate_step() - do the next step; for the writer. @io_line: the newest line, malloc'ed, is
 * replaced where the step appended one. Return: whether there is more to do at once. */
bool audit_rotate_step(struct audit *a, char **io_line);
/* audit_rotate_resume() - before the writer starts: go on with PRUNE where a restart cut it short.
 */
void audit_rotate_resume(struct audit *a);
void audit_rotate_fini(struct audit_rotation *r);

/* ---- read.c ---- */

/* audit_read_from() - audit_read() without waiting for what is queued. @files_fd: -1: no files. */
ssize_t audit_read_from(struct store *store, int files_fd, uint64_t seq, char *buf, size_t buf_len,
			uint64_t *ret_next, struct err *err);

#endif
