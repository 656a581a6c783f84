/* kms/local/record_internal.h - key.json and vault.json: bytes to struct and back;
 * depfs-vaults(5). */
#ifndef DEPFS_KMS_LOCAL_RECORD_INTERNAL_H
#define DEPFS_KMS_LOCAL_RECORD_INTERNAL_H

#include "kms/local/local.h"

/* Decoding: -EBADMSG and a sentence for everything that encoding does not write; -ENOMEM.
 * Encoding: text for free(); -ENOMEM. */

/* @folder: name of the key's folder, which the record must have as its name in some case. */
int local_key_decode(const char *in, size_t in_len, const char *folder, struct local_key **ret_key,
		     struct err *err) MUST_CHECK;
int local_key_encode(const struct local_key *key, char **ret_text) MUST_CHECK;
int local_rules_decode(const char *in, size_t in_len, struct local_rules *ret_rules,
		       struct err *err) MUST_CHECK;
int local_rules_encode(const struct local_rules *rules, char **ret_text) MUST_CHECK;

#endif
