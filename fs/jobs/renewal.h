/* fs/jobs/renewal.h - files on their way from one data key to the next: the old key of each, kept
 * until its last block is under the new one. */
#ifndef DEPFS_JOBS_RENEWAL_H
#define DEPFS_JOBS_RENEWAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/err.h"
#include "crypto/dek.h"
#include "crypto/header.h"

struct renewals;
struct store;

/*
 * Record "renew/<file id, hex>" in TABLE_META, 64 bytes: old file id 16 | wrap 48 (dek_wrap_old()).
 * It is good for the file whose header has the flag "renewing" and this file id, and nothing else:
 * the old key opens by the new one alone, so that re-wrapping, moving, revoking or purging the one
 * does the same to the other.
 *
 *   record             header            blocks       what ends that state
 *   -                  old               old          renewal_add(), in state and snapshot
 *   there              old               old          the new header, on disk before any other
 *                                                     block
 *   there              new, renewing     old or new   each block re-sealed, all on disk before
 *   there              new               new          renewal_drop(), and once that is on disk
 *   -                  new               new
 *
 * A crash may leave any of these. The next renewal job completes them.
 */
struct renewal {
	uint8_t file_id[FILE_ID_LEN]; /* the key */
	uint8_t old_id[FILE_ID_LEN];
	uint8_t old_wrap[HEADER_WRAP_LEN];
};

/* renewals_new() - loads the records of @store, which is borrowed. */
int renewals_new(struct store *store, struct renewals **ret_renewals, struct err *err) MUST_CHECK;
void renewals_free(struct renewals *t); /* NULL allowed */

/* renewal_add() - durable in state and snapshot when it returns 0; errors of store_commit(). */
int renewal_add(struct renewals *t, const struct renewal *ren, struct err *err) MUST_CHECK;
/* renewal_find() - from memory, any thread. */
bool renewal_find(struct renewals *t, const uint8_t file_id[static FILE_ID_LEN],
		  struct renewal *ret_ren);
/* renewal_drop() - its file has no block under the old key any more, or is gone; quick.
 * renewals_flush() - those dropped before are forgotten durably; the caller has synced the store's
 * files since. */
void renewal_drop(struct renewals *t, const uint8_t file_id[static FILE_ID_LEN]);
int renewals_flush(struct renewals *t, struct err *err) MUST_CHECK;

/* renewals_left() - how many are neither dropped nor begun by an open file: left by a job that was
 * stopped. */
size_t renewals_left(struct renewals *t);
/* renewal_hold() - one more open file reads with the old key; renewal_unhold() - one less. */
void renewal_hold(struct renewals *t, const uint8_t file_id[static FILE_ID_LEN]);
void renewal_unhold(struct renewals *t, const uint8_t file_id[static FILE_ID_LEN]);
/*
 * Renewals whose file is gone are known after a walk through every file: renewals_search_begin()
 * before it, renewal_found() for each file that is renewing, and renewals_search_end() after it
 * drops the others, but for those of open files and those that were added meanwhile; with
 * SEARCHED_SOME (some file could not be looked at) it drops none.
 */
enum renewals_searched {
	SEARCHED_ALL,
	SEARCHED_SOME
};
void renewals_search_begin(struct renewals *t);
void renewal_found(struct renewals *t, const uint8_t file_id[static FILE_ID_LEN]);
void renewals_search_end(struct renewals *t, enum renewals_searched look);

#endif
