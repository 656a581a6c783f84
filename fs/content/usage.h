/* fs/content/usage.h - the files of a store counted, though they change meanwhile. */
#ifndef DEPFS_CONTENT_USAGE_H
#define DEPFS_CONTENT_USAGE_H

#include <stdbool.h>

#include "crypto/base/err.h"
#include "fs/fuse/session.h"
#include "fs/policy/scan.h"

struct file;

/*
 * What the count is exact about. While a scan runs, a file is in one of three states, by its inode
 * (so that hard links are one file):
 *
 *   unknown   nobody came by yet                    in no sum
 *   counted   its header and size were read         in the sums, by what was read
 *   open      somebody may be writing to it         in no sum
 *
 *   unknown -> counted   the walk comes by, or it is about to get a name where the walk has been
 *   any -> open          it is made, or opened in a way that may change header or size; before
 *                        that, what it added is read again (nothing changed since) and taken off
 *   open -> counted      the last one closes it: what is on disk then
 *   any -> unknown       its last name goes
 *
 * At the end, under one lock that all these steps take, the open ones are added as they are on disk
 * at that moment, their headers written first where memory is ahead. So the sums are those of one
 * instant: each file that had been made, and not removed, by an operation that had been answered
 * by then is in exactly one row, by what its header said; one whose operation was under way is in
 * or out. A file that is written during the scan is in once, with the policy, generation and size
 * of the end. Bytes that the kernel has not written back yet (writeback cache) are not in sizes.
 *
 * Memory: two bits a file, roughly; see inoset.h. An interrupted scan starts anew.
 */
struct tally;

int tally_new(struct tally **ret_tally) MUST_CHECK;
void tally_free(struct tally *t); /* NULL allowed */

/* ---- from those who change files; cheap while no scan runs ---- */

/* tally_open() - @f's descriptor is there and may be written through; the stripe of its inode is
 * held. Repeating it is harmless. */
void tally_open(struct session *s, struct file *f);
/* tally_close() - the last user is gone, all is on disk; undoes tally_open(), if there was one. */
void tally_close(struct session *s, struct file *f);
/* tally_watches() - before a name is removed: tally_removed() wants a descriptor of the file. */
bool tally_watches(const struct session *s);
/* tally_removed() - a name of the file behind @fd is gone, perhaps its last. */
void tally_removed(struct session *s, int fd, enum workload workload);

/* tally_lost() - something went unseen: the count that runs cannot be right. */
void tally_lost(struct session *s, int r);

/* ---- from the one scan ---- */

/* A file that somebody came by. */
struct tally_seen {
	struct wrap_ref ref;
	dev_t dev;
	ino_t ino;
};

int tally_begin(struct session *s) MUST_CHECK;
/**
 * tally_see() - the walk, or somebody who is about to move a file, comes by
 * @fd: of the file, for reading; borrowed. Gives what it is, however often it was seen.
 * Return: 1: counted now; 0: need not be; -EBADMSG: its header cannot be read, which is counted
 * too; -ENOMEM.
 */
int tally_see(struct session *s, int fd, enum workload workload,
	      struct tally_seen *ret_seen) MUST_CHECK;
/* tally_unreadable() - one file more whose header nobody could read. */
void tally_unreadable(struct session *s);
/* tally_end() - the sums of now; the caller frees them. Negative: something could not be counted.
 */
int tally_end(struct session *s, struct scan_result *ret_res) MUST_CHECK;
void tally_give_up(struct session *s);

#endif
