/* fs/store/intent.h - records of renames across scopes that have begun, so that recovery can tell a
 * file whose rename a crash cut short from one that was moved without depfs. */
#ifndef DEPFS_STORE_INTENT_H
#define DEPFS_STORE_INTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/header.h"
#include "fs/store/store.h"

/*
 * Such a rename rewrites the header and then the name, and a crash may keep either. Before both,
 * the record "rename/<file id, hex>" in TABLE_META holds the two scope ids, 32 bytes: the file may
 * be found with the header of either scope under either name. A clean stop, or a finished recovery,
 * removes all of them.
 */

/* intent_add() - add a record, or replace that of the file, durably. Return: 0; errors of
 * store_begin(), store_put(), store_commit(). */
int intent_add(struct store *s, const uint8_t file_id[static FILE_ID_LEN],
	       const uint8_t from[static SCOPE_ID_LEN], const uint8_t to[static SCOPE_ID_LEN],
	       struct err *err) MUST_CHECK;

/* intent_allows() - whether there is a record for this file and these two scopes, in either order;
 * false also where the state cannot be read. */
bool intent_allows(struct store *s, const uint8_t file_id[static FILE_ID_LEN],
		   const uint8_t a[static SCOPE_ID_LEN], const uint8_t b[static SCOPE_ID_LEN]);

/* intent_follow() - copy the record of @old_id, if there is one, to @new_id, durably: for a file
 * that gets a new id. */
int intent_follow(struct store *s, const uint8_t old_id[static FILE_ID_LEN],
		  const uint8_t new_id[static FILE_ID_LEN], struct err *err) MUST_CHECK;

/* intent_clear() - remove all records, durably; the caller has synced the store's files. */
int intent_clear(struct store *s, struct err *err) MUST_CHECK;

#endif
