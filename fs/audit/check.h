/* fs/audit/check.h - proving an audit log from its lines alone: chain, signatures, gaps. */
#ifndef DEPFS_AUDIT_CHECK_H
#define DEPFS_AUDIT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/bytes.h"
#include "crypto/base/err.h"
#include "crypto/kdf.h"
#include "crypto/sign.h"

/* Once a log is signed, at least one of so many records in a row is a signature. */
#define AUDIT_SIGN_EVERY 256

struct audit_gap {
	uint64_t from, to; /* records that are not there; to 0: none */
};

struct audit_check {
	bool key_known; /* given, or that of the first signature */
	uint8_t key[SIGN_PUBLIC_LEN];
	char store[UUID_TEXT_LEN]; /* whose log it is, by its first signature; empty: not known */
	uint64_t first, last;	   /* records that hold; 0: none */
	uint64_t checked;
	uint8_t hash[SHA256_LEN];	  /* of last */
	uint64_t signatures, signed_last; /* how many, and the newest; 0: none */
	uint64_t signs_from; /* a signature may be missing before it, but not behind; 0: none yet */
	bool chained;	     /* hash is what the next record must name */
	bool continued;	     /* the first record begins a file: older files were taken away */
	bool stopped;	     /* the last record is the signature of a clean stop */
	struct audit_gap open; /* must be explained by what comes; what held before it: */
	uint64_t open_checked;
	uint8_t open_hash[SHA256_LEN];
	struct audit_gap told;	  /* explained, by a record that no signature covers yet */
	struct audit_gap rebuilt; /* the newest one that was: by a state made from its snapshot */
	uint64_t bad;		  /* the record that does not hold */
};

/* audit_check_init() - @key: whose signatures count; NULL: whoever signed first. */
void audit_check_init(struct audit_check *c, const uint8_t *key);

/**
 * audit_check_line() - the next line, without its line feed; depfs-format(5), EVENTS
 * Return: 0; -EBADMSG and a sentence that names the record; -EIO, -ENOMEM.
 */
int audit_check_line(struct audit_check *c, const char *line, size_t len,
		     struct err *err) MUST_CHECK;

/* audit_check_end() - there are no more lines: -EBADMSG when a gap was left unexplained. */
int audit_check_end(struct audit_check *c, struct err *err) MUST_CHECK;

#endif
