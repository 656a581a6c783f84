/* fs/keyring/roots.h - the copies of one generation of a DEP key: asked of the two vaults, or
 * opened by the availability key. */
#ifndef DEPFS_KEYRING_ROOTS_H
#define DEPFS_KEYRING_ROOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/err.h"
#include "crypto/secret.h"
#include "fs/store/record.h"
#include "kms/kms.h"

struct keyring;

/* What opening one generation needs: copied out of the policies' tables, since no lock is held
 * while a vault answers. */
struct key_source {
	struct key_record key;
	uint8_t wrapped_avail[WRAP_LEN];
	char policy_name[POLICY_NAME_MAX + 1];
	bool newest; /* this generation is the one that new data takes */
};

struct root_answer {
	bool asked;
	enum kms_outcome outcome;
	int r;		/* errno of the outcome and its cause */
	char text[400]; /* sentence when not ok */
	char request_id[KMS_REQUEST_ID_LEN];
};

/* The rows of the table in fs/README.md, Opening a DEP key. */
enum verdict {
	VERDICT_OPEN,	/* either root opens */
	VERDICT_OUTAGE, /* none opens, none denies: the availability key, for every request */
	VERDICT_DENIED, /* none opens, one denies: the availability key, for system requests */
};

enum ask {
	ASK_UNTIL_OPEN, /* one at random, the other when that fails */
	ASK_BOTH,	/* at the same time */
};

/**
 * roots_ask() - the two vaults
 * @ret_dep_key: with VERDICT_OPEN the opened key, else untouched
 * @answers: what each answered
 * Blocks for up to KMS_DEADLINE_S a vault. After keyring_closing() it answers VERDICT_OUTAGE
 * without asking.
 */
enum verdict roots_ask(struct keyring *k, const struct key_source *src, enum ask how,
		       struct root_answer answers[static 2],
		       struct secret **ret_dep_key) MUST_CHECK;
/* root_ask() - vault @i alone. A copy that opens to anything but this key is as damaged as one that
 * does not open. @ret_key: with KMS_OK in @answer. */
void root_ask(struct keyring *k, const struct key_source *src, unsigned i,
	      struct root_answer *answer, struct secret **ret_key);
/* roots_report() - an event "key-open" for each root that was asked, "key-copy-damaged" where due.
 */
void roots_report(struct keyring *k, const struct key_source *src,
		  const struct root_answer answers[static 2]);

#define ROOTS_TEXT_MAX 900 /* bytes: both roots' sentences */
/* roots_text() - "key 1 denied: ...; key 2 ...", one line. */
void roots_text(const struct root_answer answers[static 2], char *out, size_t out_len);

/* avail_unwrap() - the DEP key by the availability key, into WRAP_KEY_LEN bytes; -EBADMSG, -ENOMEM.
 * No event and no count, so only to compare with: nothing is opened for a request. */
int avail_unwrap(struct keyring *k, const struct key_source *src,
		 struct secret *dep_key) MUST_CHECK;

/**
 * keyring_open_any() - by any copy that opens, as for a system request; for acts, nothing is cached
 * Return: 0; -EBADMSG, -ENOMEM with a sentence.
 */
int keyring_open_any(struct keyring *k, const struct key_source *src, struct secret **ret_dep_key,
		     struct err *err) MUST_CHECK;

#endif
