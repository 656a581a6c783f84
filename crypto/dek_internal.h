/* crypto/dek_internal.h - the bytes of a data key, for the files of crypto/ that use one. */
#ifndef DEPFS_CRYPTO_DEK_INTERNAL_H
#define DEPFS_CRYPTO_DEK_INTERNAL_H

#include "crypto/dek.h"

struct dek {
	uint8_t key[DEK_LEN];		 /* wrapped in the header; encrypts nothing itself */
	uint8_t block_key[DEK_LEN];	 /* KDF_DEK_BLOCK: block.c */
	uint8_t mac_key[HEADER_MAC_LEN]; /* KDF_DEK_HEADER_MAC: header.c */
};

#endif
