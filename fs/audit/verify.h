/* fs/audit/verify.h - the whole audit log of a store checked: its files, then the state's table. */
#ifndef DEPFS_AUDIT_VERIFY_H
#define DEPFS_AUDIT_VERIFY_H

#include "fs/audit/check.h"
#include "fs/store/store.h"

/**
 * audit_verify() - check that every event is there, unchanged, chained, and signed where due
 * @store: open in any mode; no daemon may be rotating its log meanwhile
 * @io_check: from audit_check_init(); holds what was found, also on failure
 * A store that was opened from its snapshot may lack the events between files and snapshot.
 * Return: 0; -EBADMSG, and @err names the first event that is not as it was written; -EIO ...
 */
int audit_verify(struct store *store, struct audit_check *io_check, struct err *err) MUST_CHECK;

#endif
