/* fs/store/intent.h - renames across scopes that have begun: what lets recovery tell them from
 * files moved by hand. */
#ifndef DEPFS_STORE_INTENT_H
#define DEPFS_STORE_INTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/header.h"
#include "fs/store/store.h"

/*
 * A rename across scopes is two steps, header and name, and a crash may keep either. Before the
 * first one a record "rename/<file id, hex>" in TABLE_META says that this file may be found with
 * the header of either scope under either name: both scope ids, 32 bytes. It stays until all is on
 * disk: a clean stop or a finished recovery clears them.
 */

/* intent_add() - durable when it returns. Return: 0; errors of store_commit(). */
int intent_add(struct store *s, const uint8_t file_id[static FILE_ID_LEN],
	       const uint8_t from[static SCOPE_ID_LEN], const uint8_t to[static SCOPE_ID_LEN],
	       struct err *err) MUST_CHECK;

/* intent_allows() - whether the file was under way between these two scopes, in either direction.
 */
bool intent_allows(struct store *s, const uint8_t file_id[static FILE_ID_LEN],
		   const uint8_t a[static SCOPE_ID_LEN], const uint8_t b[static SCOPE_ID_LEN]);

/* intent_follow() - the file gets another id: what is recorded under the old one holds for the new
 * one too, durably. */
int intent_follow(struct store *s, const uint8_t old_id[static FILE_ID_LEN],
		  const uint8_t new_id[static FILE_ID_LEN], struct err *err) MUST_CHECK;

/* intent_clear() - forget them all; the caller has synced the store's files. */
int intent_clear(struct store *s, struct err *err) MUST_CHECK;

#endif
