/* fs/audit/damage.h - events of damaged files, at most one a minute for each file and block. */
#ifndef DEPFS_AUDIT_DAMAGE_H
#define DEPFS_AUDIT_DAMAGE_H

#include <stdint.h>

#include "crypto/base/cleanup.h"

struct audit;
struct damage_log;
struct metrics;

/* damage_log_new() - @audit and @metrics are borrowed. -ENOMEM; -EIO: no random bytes. */
int damage_log_new(struct audit *audit, struct metrics *metrics,
		   struct damage_log **ret_log) MUST_CHECK;
void damage_log_free(struct damage_log *d); /* NULL allowed */

/**
 * damage_report() - a file failed to authenticate: counted, and an event "block-damaged"
 * @path: relative to the store's top; @what: "header", "block", "size", ...
 */
void damage_report(struct damage_log *d, const char *path, uint64_t block_no, const char *what);

#endif
