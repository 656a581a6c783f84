/* fs/store/scrub.h - erasing: no byte of a removed record stays in the store's files. */
#ifndef DEPFS_STORE_SCRUB_H
#define DEPFS_STORE_SCRUB_H

#include "fs/store/store.h"

/**
 * store_scrub() - erase what was removed or replaced from the state's files
 * LMDB leaves old records in free pages, and in the gaps of pages in use. So a new state file is
 * written with the live records alone, takes the old one's place, and the old one is overwritten;
 * states that store_open() set aside (state.copied-*) are overwritten and removed. state.snapshot
 * is the caller's: store_snapshot_hold(). Copies that the filesystem or the disk keeps (journal,
 * copy on write, flash) and backups are out of reach.
 * Return: 0; -EAGAIN: readers were there for 30 s; -ENOSPC, -EIO ... May be repeated after any.
 */
int store_scrub(struct store *s, struct err *err) MUST_CHECK;

/* store_snapshot_hold() - the present state.snapshot open for writing, so that store_shred() can
 * overwrite it once a commit has put another in its place. @ret_fd is the caller's to close. */
int store_snapshot_hold(struct store *s, int *ret_fd, struct err *err) MUST_CHECK;

/* store_shred() - overwrite a whole open file with zeros, durably. */
int store_shred(int fd, struct err *err) MUST_CHECK;

#endif
