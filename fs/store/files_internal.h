/* fs/store/files_internal.h - a store's plain files: format line, lock file, copies of the state.
 */
#ifndef DEPFS_STORE_FILES_INTERNAL_H
#define DEPFS_STORE_FILES_INTERNAL_H

#include <limits.h>
#include <stdint.h>
#include <sys/stat.h>

#include "fs/store/store.h"

/* Names in STORE/.depfs; those that end in .tmp are left by a crash and replaced by the next use.
 */
#define STORE_FORMAT_FILE    "format"
#define STORE_LOCK_FILE	     "lock"
#define STORE_STATE_DIR	     "state"
#define STORE_STATE_TMP	     "state.tmp"
#define STORE_DATA_FILE	     "state/data.mdb"
#define STORE_LMDB_LOCK_FILE "state/lock.mdb"
#define STORE_SNAPSHOT	     "state.snapshot"
#define STORE_SNAPSHOT_TMP   "state.snapshot.tmp"
#define STORE_SCRUB_TMP	     "state.scrub"   /* store_scrub() writes the new state here */
#define STORE_COPIED_DIR     "state.copied-" /* and the time: a state that was set aside */
#define STORE_RECEIPTS	     "receipts"
#define STORE_FORMAT_MAX     128 /* bytes of the format line */

/* ---- format.c ---- */

void format_encode(const uint8_t store_id[static UUID_LEN], char out[static STORE_FORMAT_MAX]);
/* format_read() - store_read_format() in an open .depfs folder. */
int format_read(int dir_fd, struct store_format *ret_fmt, struct err *err) MUST_CHECK;

/* store_above() - whether a folder above @path (absolute, resolved) is a store, and which. */
bool store_above(const char *path, char ret_above[static PATH_MAX]);

/* ---- lock.c ---- */

/*
 * The content of a lock file: which process serves the store, and which file its state is. It stays
 * after a crash and is empty after a clean stop. Zeros stand for what is not there.
 */
struct lock_text {
	char holder[256];  /* "host pid" */
	uint64_t ino;	   /* of state/data.mdb */
	uint64_t birth_ns; /* of state/data.mdb; 0 also where the filesystem records no birth time
			    */
};

/* state_identity() - inode number and birth time of state/data.mdb, which a copy of it has not. */
int state_identity(int dir_fd, struct lock_text *ret_id) MUST_CHECK;
/**
 * lock_take() - lock the lock file for as long as @ret_fd is open
 * An OFD lock, fcntl(2): it belongs to the open file, not to the process, and a crash frees it.
 * @ret_before: the content that was found
 * Return: 0; -EBUSY: another process has held it for 5 s, and @err names it; -EROFS ...
 */
int lock_take(int dir_fd, int *ret_fd, struct lock_text *ret_before, struct err *err) MUST_CHECK;
/* lock_probe() - whether a process holds the lock; takes nothing. @ret_text is left as it was where
 * there is no lock file. */
bool lock_probe(int dir_fd, struct lock_text *ret_text);
/* lock_write() - name this process and the present state/data.mdb, durably. */
int lock_write(int dir_fd, int lock_fd, struct err *err) MUST_CHECK;
void lock_clear(int lock_fd);

/* ---- file.c ---- */

/* dir_path() - "@dir/@name"; -ENAMETOOLONG. */
int dir_path(const char *dir, const char *name, char out[static PATH_MAX],
	     struct err *err) MUST_CHECK;
int fsync_dir(int dir_fd, const char *name) MUST_CHECK; /* of the folder @name in it */
/* file_copy() - a regular file, durable, mode 0600; -EEXIST where @to exists. */
int file_copy(int from_dir, const char *from, int to_dir, const char *to) MUST_CHECK;
/* state_folder_remove() - a folder that holds LMDB's two files at most; 0 where it is missing. */
int state_folder_remove(int dir_fd, const char *name);

/* ---- check.c ---- */

/**
 * state_file_check() - walk an LMDB file with plain reads, before LMDB maps it
 * @dir_fd, @name: of STORE/.depfs, and the file in it
 * Return: 0; -EBADMSG: damaged or cut short; -ENOTSUP: of another version of LMDB; others of
 * open(2), read(2).
 */
int state_file_check(int dir_fd, const char *name, struct err *err) MUST_CHECK;

#endif
