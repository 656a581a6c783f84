/* fs/audit/audit_internal.h - inside audit*.c only: the log's state, and the writer's parts. */
#ifndef DEPFS_AUDIT_AUDIT_INTERNAL_H
#define DEPFS_AUDIT_AUDIT_INTERNAL_H

#include <pthread.h>

#include "crypto/base/clock.h"
#include "fs/audit/audit.h"
#include "fs/audit/files_internal.h"
#include "fs/audit/flood_internal.h"
#include "fs/audit/line_internal.h"

#define AUDIT_QUEUE_LEN 4096

/* What the next event is chained to, and the newest signature before it; 0: none. */
struct audit_tail {
	struct audit_head head;
	uint64_t signed_seq;
};

/*
 * Rotation, one step at a time, so that events are written between:
 *   IDLE   until the table is too long; then the mark: a signature and "events-continued"
 *   COPY   events from..to go into the file "new", which then gets its name
 *   PRUNE  the same events leave the table, some at a time; then too old files go
 * A step that fails is tried again later; a restart forgets it, and marks anew.
 */
enum audit_phase {
	ROTATE_IDLE,
	ROTATE_COPY,
	ROTATE_PRUNE
};

struct audit_rotation {
	enum audit_phase phase;
	uint64_t from, to;   /* events, both included */
	uint64_t at;	     /* next one to copy or prune */
	int fd;		     /* of "new"; -1 */
	uint64_t again_ms;   /* after a failure: not before */
	uint64_t batch_len;  /* bytes of the newest batch */
	uint64_t unseen_len; /* bytes written since the table's length was looked at */
};

/*
 * Callers put bodies into the queue; the writer takes all of it at once, so that however many came
 * in while it wrote cost one fsync together. A batch that cannot be written is kept and tried
 * again, while the queue fills behind it; what no longer fits is counted, and the count becomes an
 * event. lock is held for a moment only: never across a commit or a call of on_append.
 */
struct audit {
	struct store *store;	    /* constant, as the next two */
	uint64_t max_len, file_len; /* bytes */
	int files_fd;		    /* folder of files */
	pthread_t writer;
	pthread_mutex_t lock;
	pthread_cond_t work;	/* something for the writer to see to */
	pthread_cond_t settled; /* an attempt to write ended, or on_append returned */

	/* guarded by lock */
	char *queue[AUDIT_QUEUE_LEN]; /* malloc'ed bodies, oldest first */
	size_t queued;
	uint64_t lost; /* since the last event that told of it */
	uint64_t lost_ever;
	uint64_t accepted; /* events ever queued */
	uint64_t durable;  /* of these */
	uint64_t failures; /* attempts that failed */
	int failure;	   /* the last one's errno */
	struct audit_flood flood;
	bool stop, seal, hurry; /* hurry: somebody waits in audit_sync() */
	bool calling;		/* on_append runs */
	void (*on_append)(void *arg);
	void *on_append_arg;
	uint64_t last_seq;
	char *last_line; /* NULL: none yet */

	/* the writer's own */
	struct audit_tail tail;
	uint64_t sign_ms; /* when the events without a signature must have one; 0: there are none */
	struct audit_rotation rotation;
	char *batch[AUDIT_QUEUE_LEN + 1 + AUDIT_FLOOD_KINDS]; /* and events-lost, -coalesced */
	size_t batch_len;
	size_t batch_accepted; /* of these, how many audit_event() queued */
};

/* What one transaction appends. */
struct audit_append {
	char *const *bodies;
	size_t n;
	const char *sign;  /* reason: then a signature; NULL: none, but where one is due */
	const char *after; /* a body behind that one; NULL: none */
	enum store_durability how;
};

/**
 * audit_append() - one transaction, one fsync; on failure the log and @io_tail stay as they were
 * @ret_line: the newest line, malloc'ed; NULL when nothing was appended
 */
int audit_append(struct store *s, struct audit_tail *io_tail, const struct audit_append *what,
		 char **ret_line, struct err *err) MUST_CHECK;

/**
 * audit_tail_load() - where the log ends
 * @ret_line: the newest line, malloc'ed; untouched when there is none
 * @ret_damaged: it is not what the record of it says
 */
int audit_tail_load(struct store *s, struct audit_tail *ret_tail, char **ret_line,
		    bool *ret_damaged, struct err *err) MUST_CHECK;

/* audit_rotate_step() - the next thing to do about the table's length; writer only. @ret_line: as
 * above. True: there is more to do at once. */
bool audit_rotate_step(struct audit *a, char **ret_line);
/* audit_rotate_resume() - before the writer starts: a file that was made, and whose events did not
 * all leave the table. */
void audit_rotate_resume(struct audit *a);
void audit_rotate_fini(struct audit_rotation *r);

/* audit_read_from() - what audit_read() does, without a writer. @files_fd may be -1. */
ssize_t audit_read_from(struct store *store, int files_fd, uint64_t seq, char *buf, size_t buf_len,
			uint64_t *ret_next, struct err *err);

#endif
