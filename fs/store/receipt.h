/* fs/store/receipt.h - receipts: text files STORE/.depfs/receipts/NAME, each whole or absent. */
#ifndef DEPFS_STORE_RECEIPT_H
#define DEPFS_STORE_RECEIPT_H

#include <stdio.h>

#include "fs/store/store.h"

#define STORE_RECEIPT_MAX (64 << 20) /* bytes that store_receipt_read() takes into memory */

/* store_receipt_begin() - an empty file under a temporary name, to be written by @ret_out; of a
 * @name longer than 200 bytes the rest is ignored. */
int store_receipt_begin(struct store *s, const char *name, FILE **ret_out,
			struct err *err) MUST_CHECK;

/**
 * store_receipt_end() - give the file its name, in place of an older receipt, durably
 * @out: consumed, whatever the outcome
 * @ret_hash: SHA-256 of its content
 */
int store_receipt_end(struct store *s, const char *name, FILE *out,
		      uint8_t ret_hash[static SHA256_LEN], struct err *err) MUST_CHECK;

/* store_receipt_read() - @ret_text is malloc'ed. Return: 0; -ENOENT; -EFBIG: longer than
 * STORE_RECEIPT_MAX; -EINVAL: not a plain file; others of open(2), read(2). */
int store_receipt_read(struct store *s, const char *name, char **ret_text) MUST_CHECK;

#endif
