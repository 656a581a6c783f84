/* fs/control/handle_internal.h - open files: their operations, and the event log as a stream. */
#ifndef DEPFS_CONTROL_HANDLE_INTERNAL_H
#define DEPFS_CONTROL_HANDLE_INTERNAL_H

#include "fs/control/control_internal.h"

/* handle.c: operations of control_vtree_ops, see fs/vtree/vtree.h */
int ctl_open(void *tree, uint64_t node, int flags, const struct actor *actor,
	     struct vtree_file **ret_file);
ssize_t ctl_read(struct vtree_file *f, char *buf, size_t len, off_t off);
ssize_t ctl_write(struct vtree_file *f, const char *buf, size_t len, off_t off,
		  const struct actor *actor);
void ctl_release(struct vtree_file *f);
unsigned ctl_poll(struct vtree_file *f, void (*notify)(void *arg), void (*drop)(void *arg),
		  void *arg);
/* ctl_files_fini() - releases the handles that are still open. */
void ctl_files_fini(struct control *c);

/* events.c. A cursor belongs to one handle, whose lock guards it. */
struct ctl_cursor {
	uint64_t seq; /* of the next event to ask for */
	char *lines;  /* read ahead */
	size_t len, at, cap;
};

ssize_t ctl_events_read(struct control *c, struct ctl_cursor *cur, char *buf, size_t len);
/* ctl_events_ready() - whether a read would return events at once. */
bool ctl_events_ready(struct control *c, const struct ctl_cursor *cur);

/* The notification that one handle asked for; guarded by control.streams_lock. */
struct ctl_stream {
	struct ctl_stream *next;
	struct ctl_stream **link; /* what points here; NULL: not in the list */
	void (*notify)(void *arg);
	void (*drop)(void *arg);
	void *arg;
};

/* ctl_stream_watch() - keeps one notification, and drops the one kept before; @notify NULL: keeps
 * none. */
void ctl_stream_watch(struct control *c, struct ctl_stream *s, void (*notify)(void *arg),
		      void (*drop)(void *arg), void *arg);
void ctl_events_start(struct control *c);
/* ctl_events_stop() - when it returns, no notify() runs, nor will. */
void ctl_events_stop(struct control *c);

#endif
