/* fs/walk/walk.h - the walk of a job over all files of a store, also those that move meanwhile. */
#ifndef DEPFS_WALK_WALK_H
#define DEPFS_WALK_WALK_H

#include <sys/stat.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "fs/content/request.h"
#include "fs/content/volume.h"

struct inode;
struct jobs;
struct scope;

/* One for each open store. It does nothing before walk_listen(). */
struct walk;

int walk_new(struct volume *v, struct jobs *jobs, struct walk **ret_walk) MUST_CHECK;
void walk_free(struct walk *w); /* NULL allowed */

/* walk_listen() - from now on jobs run. walk_silence() - stops jobs; none runs afterwards. */
int walk_listen(struct walk *w, struct err *err) MUST_CHECK;
void walk_silence(struct walk *w);

/*
 * A file that gets a name elsewhere could slip past the walk, from a folder that the walk has not
 * come to into one where it has been. So an operation that renames or links calls
 * walk_names_begin(), then walk_before_move() or walk_before_link(), and walk_names_end()
 * afterwards: a file is processed at once, a folder is queued and walked later, once in a pass. A
 * new folder needs no walk: it is empty, and what comes into it is new, or passed through
 * walk_before_move().
 *
 * Between walk_names_begin() and walk_names_end() a read lock is held, and no job begins or ends
 * (fs/README.md, Locks). So no vault is waited for: a file whose key is not in memory is queued.
 */
void walk_names_begin(struct walk *w);
/* walk_is_on() - whether a job walks; constant until walk_names_end(). */
bool walk_is_on(const struct walk *w);
void walk_names_end(struct walk *w);

/* walk_before_move() - before @name in the folder @dir_fd moves. Return: 0, also when the file
 * could not be processed, which the job reports; -EINPROGRESS: must be called on a thread that may
 * block. */
int walk_before_move(struct walk *w, int dir_fd, const char *name, const struct stat *st,
		     const struct scope *scope, const struct request *rq) MUST_CHECK;
/* walk_before_link() - the same for a file given by its descriptor, before it gets another name:
 * the walk may never come to the names that it has now. walk_after_move() - after a move: queues a
 * folder. */
int walk_before_link(struct walk *w, int fd, const struct scope *scope,
		     const struct request *rq) MUST_CHECK;
void walk_after_move(struct walk *w, int dir_fd, const char *name);
/* walk_folder_made() - for a folder created while walk_is_on(): it needs no walk. */
void walk_folder_made(struct walk *w, struct inode *folder);

#endif
