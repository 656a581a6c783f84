/* fs/store/service_key.h - the service key: the root of a store's own keys, read from a file
 * outside the store. */
#ifndef DEPFS_STORE_SERVICE_KEY_H
#define DEPFS_STORE_SERVICE_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "crypto/header.h"
#include "crypto/kdf.h"
#include "crypto/sign.h"
#include "crypto/wrap.h"

#define SERVICE_KEY_DIR "/var/lib/depfs/keys" /* default: SERVICE_KEY_DIR/<store uuid>.key */
#define RECORD_MAC_LEN	16

/*
 * A service key file, one line of ASCII: "depfs-service-key 1 <store uuid> <64 hex digits>\n",
 * mode 0600 or stricter. In memory only keys derived from it stay, on the secure heap.
 */
struct service_key;

/* service_key_default_spec() - "file:/var/lib/depfs/keys/<uuid>.key". */
void service_key_default_spec(const uint8_t store_id[static UUID_LEN], char *out, size_t out_len);

/**
 * service_key_create() - draw a new key and write its file, durably; SERVICE_KEY_DIR is made when
 * the file belongs there
 * @spec: "file:PATH", PATH absolute
 * Return: 0; -EINVAL: another form of @spec; -EEXIST: there is a file, which is never overwritten;
 * -EIO: no randomness; -ENOMEM; others of open(2), write(2).
 */
int service_key_create(const char *spec, const uint8_t store_id[static UUID_LEN],
		       struct err *err) MUST_CHECK;

/**
 * service_key_load() - read and check a key file
 * Return: 0; -EPERM: its mode gives others than the owner access, or another user than this one
 * and root owns it; -EBADMSG: malformed; -ENOTSUP: a later version; -EKEYREJECTED: the key of
 * another store; -EINVAL: another form of @spec, or not a plain file; -ENOENT ... @err names it.
 */
int service_key_load(const char *spec, const uint8_t store_id[static UUID_LEN],
		     struct service_key **ret_key, struct err *err) MUST_CHECK;
void service_key_free(struct service_key *sk);
DEFINE_CLEANUP(struct service_key *, service_key_free)

/* Borrowed as long as the service key lives. */
struct wrap_key *service_key_dek_wrap(struct service_key *sk);	 /* DEKs that no policy covers */
struct wrap_key *service_key_avail_wrap(struct service_key *sk); /* availability keys */

/* The key that signs the audit log; borrowed as well. Its public half is not secret: it is given to
 * those who check the log. */
const struct sign_key *service_key_audit_sign(const struct service_key *sk);

/* service_scope_id() - first 16 bytes of HMAC-SHA256(scope id key, name): a header's scope_id. */
int service_scope_id(const struct service_key *sk, const char *scope_name,
		     uint8_t ret_id[static SCOPE_ID_LEN]) MUST_CHECK;

/* service_record_mac() - first 16 bytes of HMAC-SHA256(record key, parts): the end of every record
 * of the state. */
int service_record_mac(const struct service_key *sk, const struct kdf_part *parts, size_t n_parts,
		       uint8_t ret_mac[static RECORD_MAC_LEN]) MUST_CHECK;

#endif
