/* tools/event_chain.h - the audit log's hash chain, recomputed line by line from the log alone. */
#ifndef DEPFS_TOOLS_EVENT_CHAIN_H
#define DEPFS_TOOLS_EVENT_CHAIN_H

#include <stdint.h>

#include "crypto/cleanup.h"
#include "crypto/err.h"
#include "crypto/kdf.h"

struct event_chain {
	uint64_t verified;	       /* lines that hold, from the first */
	char prev[2 * SHA256_LEN + 1]; /* hash of the last of them */
};

void event_chain_init(struct event_chain *chain);

/**
 * event_chain_check() - the next line, without its line end
 * Rules (fs/policy/audit.h): seq counts from 1; hash is SHA-256 over the line's bytes up to and
 * excluding ',"hash"'; prev is the hash before, zeros for the first.
 * Return: 0; -EBADMSG and a sentence that names the record and the rule; -EIO.
 */
int event_chain_check(struct event_chain *chain, const char *line, struct err *err) MUST_CHECK;

#endif
