/* fs/audit/check.h - an audit log checked from its lines alone: chain, signatures, gaps. */
#ifndef DEPFS_AUDIT_CHECK_H
#define DEPFS_AUDIT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/bytes.h"
#include "crypto/base/err.h"
#include "crypto/kdf.h"
#include "crypto/sign.h"

/* From the first signature on, one of so many records in a row is a signature. */
#define AUDIT_SIGN_EVERY 256

struct audit_gap {
	uint64_t from, to; /* records that are missing; to 0: none */
};

struct audit_check {
	bool key_known; /* given, or that of the first signature */
	uint8_t key[SIGN_PUBLIC_LEN];
	char store[UUID_TEXT_LEN]; /* that the first signature names; empty: none yet */
	uint64_t first, last;	   /* records that were checked; 0: none */
	uint64_t checked;
	uint8_t hash[SHA256_LEN];	  /* of last */
	uint64_t signatures, signed_last; /* how many, and the newest; 0: none */
	uint64_t signs_from;		  /* from here on signatures are due; 0: none seen yet */
	bool chained;			  /* the next record's "prev" must be hash */
	bool continued;	       /* the first record begins a file: older files were removed */
	bool stopped;	       /* the last record is the signature of a clean stop */
	struct audit_gap open; /* a later record must explain it, or it is a failure */
	uint64_t open_checked; /* checked and hash, as they were before it */
	uint8_t open_hash[SHA256_LEN];
	struct audit_gap unsigned_gap; /* explained by a record that no signature covers yet */
	struct audit_gap rebuilt;      /* the newest explained one: the state was made from its
					  snapshot */
	uint64_t bad;		       /* the record that a failure is about */
};

/* audit_check_init() - @key: the public key, SIGN_PUBLIC_LEN bytes, of all signatures; NULL: that
 * of the first one. */
void audit_check_init(struct audit_check *c, const uint8_t *key);

/**
 * audit_check_line() - the next line, without its line feed; depfs-format(5), EVENTS
 * Return: 0; -EBADMSG and a sentence that names the record; -EIO, -ENOMEM.
 */
int audit_check_line(struct audit_check *c, const char *line, size_t len,
		     struct err *err) MUST_CHECK;

/* audit_check_end() - after the last line. -EBADMSG: a gap was left unexplained. */
int audit_check_end(struct audit_check *c, struct err *err) MUST_CHECK;

#endif
