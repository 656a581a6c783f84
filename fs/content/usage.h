/* fs/content/usage.h - the usage count: files and bytes by policy, exact although files change
 * while a scan counts them. */
#ifndef DEPFS_CONTENT_USAGE_H
#define DEPFS_CONTENT_USAGE_H

#include <stdbool.h>

#include "crypto/base/cleanup.h"
#include "fs/policy/scan.h"

struct file;

/*
 * What the count is exact about. While a scan runs, a file is in one of three states, by its inode
 * (so that hard links are one file):
 *
 *   unknown   the scan has not come to it yet       in no sum
 *   counted   its header and size were read         in the sums, by what was read
 *   open      a program or job may change it        in no sum
 *
 *   unknown -> counted   the scan comes to it, or it is about to get a name where the scan has been
 *   any -> open          it is made, or opened in a way that may change its header or size; just
 *                        before, its contribution is read again (nothing has changed since) and
 *                        subtracted
 *   open -> counted      its last user closes it: what is on disk then
 *   any -> unknown       its last name is removed
 *
 * At the end, under one lock that all these steps take, the open ones are added as they are on disk
 * at that moment, their headers written first where memory is ahead. So the sums are those of one
 * instant: each file that had been made, and not removed, by an operation that had been answered
 * by then is in exactly one row, by what its header recorded; one whose operation was under way is
 * in or out. A file that is written during the scan is in once, with the policy, generation and
 * size of the end. Bytes that the kernel has not written back yet (writeback cache) are not in
 * sizes.
 *
 * Memory: two bits a file, roughly; see inoset.h. An interrupted scan starts anew.
 */
struct usage;

int usage_new(struct usage **ret_usage) MUST_CHECK;
void usage_free(struct usage *u); /* NULL allowed */

/* ---- from operations that change files; a lock and two pointers while no scan runs ---- */

/* usage_open() - @f's descriptor is there and may be written through; the stripe of its inode is
 * held. Repeating it is harmless. */
void usage_open(struct usage *u, struct file *f);
/* usage_close() - the last user is gone, all is on disk; undoes usage_open(), if there was one. */
void usage_close(struct usage *u, struct file *f);
/* usage_is_on() - before a name is removed: usage_name_removed() needs a descriptor of the file. */
bool usage_is_on(const struct usage *u);
/* usage_name_removed() - a name of the file behind @fd is gone, perhaps its last. */
void usage_name_removed(struct usage *u, int fd, enum workload workload);

/* usage_fail() - a change could not be followed, for the reason @r: the running scan fails. */
void usage_fail(struct usage *u, int r);

/* ---- from the one scan ---- */

/* A file that the scan came to. */
struct usage_file {
	struct wrap_ref ref; /* zeros: its header cannot be read */
	dev_t dev;
	ino_t ino;
};

int usage_scan_begin(struct usage *u) MUST_CHECK;
/**
 * usage_count() - the scan comes to a file, or an operation that is about to move it does
 * @fd: of the file, for reading; borrowed
 * @ret_file: what it is, whether it was counted before or not; untouched when there is no file
 * Return: 1: counted now; 0: it need not be; -EBADMSG: its header cannot be read, which is counted
 * too; -ENOMEM.
 */
int usage_count(struct usage *u, int fd, enum workload workload,
		struct usage_file *ret_file) MUST_CHECK;
/* usage_count_unreadable() - one file more that could not be opened or read. */
void usage_count_unreadable(struct usage *u);
/* usage_scan_end() - the sums of now; the caller frees them. Negative: a file could not be counted.
 */
int usage_scan_end(struct usage *u, struct scan_result *ret_res) MUST_CHECK;
void usage_scan_abort(struct usage *u);

#endif
