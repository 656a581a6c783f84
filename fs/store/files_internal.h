/* fs/store/files_internal.h - inside store*.c and snapshot.c only: a store's plain files and
 * folders.
 */
#ifndef DEPFS_STORE_FILES_INTERNAL_H
#define DEPFS_STORE_FILES_INTERNAL_H

#include <limits.h>
#include <stdint.h>
#include <sys/stat.h>

#include "fs/store/store.h"

#define STORE_FORMAT_FILE    "format"
#define STORE_LOCK_FILE	     "lock"
#define STORE_STATE_DIR	     "state"
#define STORE_STATE_TMP	     "state.tmp"
#define STORE_DATA_FILE	     "state/data.mdb"
#define STORE_LMDB_LOCK_FILE "state/lock.mdb"
#define STORE_SNAPSHOT	     "state.snapshot"
#define STORE_SNAPSHOT_TMP   "state.snapshot.tmp"
#define STORE_SCRUB_TMP	     "state.scrub" /* store_scrub() makes the state anew */
#define STORE_RECEIPTS	     "receipts"	   /* purge.h */
#define STORE_FORMAT_MAX     128	   /* bytes of the format line */

/* file_format() - the format line of a new store. */
void format_encode(const uint8_t store_id[static UUID_LEN], char out[static STORE_FORMAT_MAX]);
/* format_read() - store_read_format() in an open .depfs folder. */
int format_read(int dir_fd, struct store_format *ret_fmt, struct err *err) MUST_CHECK;

/* store_above() - is a folder that @path (absolute, resolved) lies in a store, and which? */
bool store_above(const char *path, char ret_above[static PATH_MAX]);

/* What a lock file says: who serves the store and on which state file. Empty after a clean stop. */
struct lock_text {
	char holder[256];  /* "host pid" */
	uint64_t ino;	   /* of state/data.mdb; 0: not said */
	uint64_t birth_ns; /* the same; 0: the filesystem does not tell */
};

/* state_identity() - which file state/data.mdb is: a copy of it is another one. */
int state_identity(int dir_fd, struct lock_text *ret_id) MUST_CHECK;
/* lock_take() - the OFD lock, for good; -EBUSY names who has it. @ret_before: what the file said.
 */
int lock_take(int dir_fd, int *ret_fd, struct lock_text *ret_before, struct err *err) MUST_CHECK;
/* lock_look() - whether a daemon holds it, and what the file says; takes nothing. */
bool lock_look(int dir_fd, struct lock_text *ret_text);
int lock_say(int dir_fd, int lock_fd, struct err *err) MUST_CHECK; /* who we are */
void lock_clear(int lock_fd);

int fsync_dir(int dir_fd, const char *name) MUST_CHECK; /* of a folder in it */
/* file_copy() - a regular file, durable under its new name, mode 0600, never over another. */
int file_copy(int from_dir, const char *from, int to_dir, const char *to) MUST_CHECK;
/* state_folder_remove() - a folder of LMDB's two files. */
int state_folder_remove(int dir_fd, const char *name);

/* store_check.c: look at an LMDB file with plain reads: LMDB itself would crash on a cut one. */
int state_file_check(int dir_fd, const char *name, struct err *err) MUST_CHECK;

#endif
