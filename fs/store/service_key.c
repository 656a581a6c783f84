/* fs/store/service_key.c - the keys derived from the service key. */
#include "fs/store/service_key.h"

#include <errno.h>
#include <string.h>

#include "crypto/secret.h"
#include "fs/store/service_key_internal.h"

/* Lives on the secure heap as a whole; constant after it is loaded. */
struct service_key {
	uint8_t scope_key[SHA256_LEN];
	uint8_t record_key[SHA256_LEN];
	struct wrap_key *dek_wrap;
	struct wrap_key *avail_wrap;
	struct sign_key *audit_sign;
};

void service_key_free(struct service_key *sk)
{
	if (!sk)
		return;
	wrap_key_put(sk->dek_wrap);
	wrap_key_put(sk->avail_wrap);
	sign_key_free(sk->audit_sign);
	secret_free_mem(sk, sizeof(*sk));
}

static int audit_sign_derive(struct service_key *sk, const uint8_t root[static WRAP_KEY_LEN])
{
	CLEANUP(secret_free_p) struct secret *seed = NULL;
	int r = secret_new(SIGN_SEED_LEN, &seed);

	if (r == 0)
		r = kdf_derive(root, WRAP_KEY_LEN, KDF_SERVICE_AUDIT_SIGN, secret_bytes(seed),
			       SIGN_SEED_LEN);
	return r < 0 ? r : sign_key_new(secret_bytes(seed), &sk->audit_sign);
}

/* Five keys for five purposes, each by an info string of its own (crypto/README.md, Keys). */
static int service_key_derive(struct service_key *sk, const uint8_t root[static WRAP_KEY_LEN])
{
	int r;

	r = kdf_derive(root, WRAP_KEY_LEN, KDF_SERVICE_SCOPE_ID, sk->scope_key,
		       sizeof(sk->scope_key));
	if (r < 0)
		return r;
	r = kdf_derive(root, WRAP_KEY_LEN, KDF_SERVICE_RECORD_MAC, sk->record_key,
		       sizeof(sk->record_key));
	if (r < 0)
		return r;
	r = wrap_key_new(root, KDF_SERVICE_DEK_WRAP, &sk->dek_wrap);
	if (r < 0)
		return r;
	r = wrap_key_new(root, KDF_SERVICE_AVAIL_WRAP, &sk->avail_wrap);
	return r < 0 ? r : audit_sign_derive(sk, root);
}

int service_key_load(const char *spec, const uint8_t store_id[static UUID_LEN],
		     struct service_key **ret_key, struct err *err)
{
	CLEANUP(service_key_free_p) struct service_key *sk = NULL;
	CLEANUP(secret_free_p) struct secret *root = NULL;
	int r;

	r = service_file_read(spec, store_id, &root, err);
	if (r < 0)
		return r;
	sk = secret_alloc(sizeof(*sk));
	if (!sk)
		return err_set(err, -ENOMEM, "service key: the secure heap is full");
	r = service_key_derive(sk, secret_bytes(root));
	if (r < 0)
		return err_set(err, r, "service key: its derived keys cannot be made");
	*ret_key = STEAL(sk);
	return 0;
}

struct wrap_key *service_key_dek_wrap(struct service_key *sk)
{
	return sk->dek_wrap;
}

struct wrap_key *service_key_avail_wrap(struct service_key *sk)
{
	return sk->avail_wrap;
}

const struct sign_key *service_key_audit_sign(const struct service_key *sk)
{
	return sk->audit_sign;
}

int service_scope_id(const struct service_key *sk, const char *scope_name,
		     uint8_t ret_id[static SCOPE_ID_LEN])
{
	const struct kdf_part name = {scope_name, strlen(scope_name)};
	uint8_t mac[SHA256_LEN];
	int r;

	r = hmac_sha256(sk->scope_key, sizeof(sk->scope_key), &name, 1, mac);
	if (r < 0)
		return r;
	memcpy(ret_id, mac, SCOPE_ID_LEN);
	return 0;
}

int service_record_mac(const struct service_key *sk, const struct kdf_part *parts, size_t n_parts,
		       uint8_t ret_mac[static RECORD_MAC_LEN])
{
	uint8_t mac[SHA256_LEN];
	int r;

	r = hmac_sha256(sk->record_key, sizeof(sk->record_key), parts, n_parts, mac);
	if (r < 0)
		return r;
	memcpy(ret_mac, mac, RECORD_MAC_LEN);
	return 0;
}
