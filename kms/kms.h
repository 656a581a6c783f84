/* kms/kms.h - the key services: describe, wrap and unwrap with root keys that stay in their vaults.
 *
 * A user needs this header and the headers of kms/vault/ that it includes: key ids (key_id.h),
 * outcomes and their errnos (outcome.h), the rules for a root key (key_fit.h), the report of each
 * call (observe.h), the state of a host's circuit breaker (circuit_state.h).
 *
 *   r = kms_new(&config, &kms, &err);
 *   o = kms_wrap(kms, "https://v.vault.azure.net/keys/k", key, wrapped, &len, key_id, NULL, &err);
 *   o = kms_unwrap(kms, key_id, wrapped, len, &again, NULL, &err);
 *   kms_free(kms);
 */
#ifndef DEPFS_KMS_H
#define DEPFS_KMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "crypto/secret.h"
#include "kms/vault/circuit_state.h"
#include "kms/vault/key_fit.h"
#include "kms/vault/key_id.h"
#include "kms/vault/observe.h"
#include "kms/vault/outcome.h"

#define KMS_LOCAL_VAULTS_DIR "/var/lib/depfs/vaults"

struct kms_config {
	const char *vaults_dir; /* folder of the local vaults; NULL: KMS_LOCAL_VAULTS_DIR */
	/* Azure; NULL or 0: the variable DEPFS_..., else the default. depfs-azure(5) */
	const char *vault_domains; /* further domains of vaults, a ':' between */
	const char *ca_file;	   /* absolute; replaces the system's certificate authorities */
	const char *credential;	   /* "auto", "client-secret", ..., "none" */
	unsigned vault_timeout_s;  /* of one call, its retries included; 1 to 300 */
	unsigned probe_max_s;	   /* longest time between two probes of a vault that failed */
	kms_observe_fn *observe;   /* NULL: calls are not reported */
	void *observe_arg;
};

struct kms; /* safe to use from many threads at once */

/**
 * kms_new() - reads options and environment; no vault is asked yet
 * Variables that hold a secret are wiped from the environment. Relative paths are resolved now.
 * Return: 0; -EINVAL: a setting does not fit, named in the sentence; -ENOMEM; what the certificate
 * authorities' file gives.
 */
int kms_new(const struct kms_config *config, struct kms **ret_kms, struct err *err) MUST_CHECK;
void kms_free(struct kms *kms);
DEFINE_CLEANUP(struct kms *, kms_free)

/**
 * kms_describe(), kms_wrap(), kms_unwrap() - calls of the vault that @key_id names
 * A call blocks as long as the vault takes: a local one at most KMS_DEADLINE_S, Azure at most
 * vault_timeout_s, after which the outcome is KMS_TRANSIENT. The caller must hold no lock.
 * @key_id: text; without a version the newest is meant.
 * @request_id: NULL, or KMS_REQUEST_ID_LEN bytes of space for the vault's own id of the request,
 * for the audit log; empty where the vault was not reached.
 * Return: KMS_OK; any other outcome: @err holds a sentence naming the key id and the cause, and no
 * ret_* is written.
 */
enum kms_outcome kms_describe(struct kms *kms, const char *key_id, struct kms_key_info *ret_info,
			      char *request_id, struct err *err) MUST_CHECK;
/* kms_wrap() - @ret_key_id: the id with the version that did it, to be stored beside the result. */
enum kms_outcome kms_wrap(struct kms *kms, const char *key_id, struct secret *key,
			  uint8_t ret_wrapped[static KMS_WRAP_MAX], size_t *ret_wrapped_len,
			  char ret_key_id[static KEY_ID_MAX], char *request_id,
			  struct err *err) MUST_CHECK;
/* kms_unwrap() - @key_id: must name a version, else KMS_MISCONFIGURED. */
enum kms_outcome kms_unwrap(struct kms *kms, const char *key_id, const uint8_t *wrapped,
			    size_t wrapped_len, struct secret **ret_key, char *request_id,
			    struct err *err) MUST_CHECK;

/* ---- Azure ---- */

/* kms_needs_network() - false: no id of scheme https can ever be used (credential "none"). */
bool kms_needs_network(const struct kms *kms);

/*
 * kms_credential_check() - whether Azure's credential can be used, as far as this machine can tell
 * Return: 0; 1: yes, but @err says what looks wrong about it; -ENOTSUP: credential "none"; another
 * negative errno: its file cannot be used, as @err says.
 */
int kms_credential_check(const struct kms *kms, struct err *err) MUST_CHECK;

/* kms_circuits() - the circuits of at most @max of the Azure hosts asked so far. Return: how many
 * are in @ret_list. Local vaults have none. */
size_t kms_circuits(struct kms *kms, struct kms_circuit *ret_list, size_t max);
/* kms_circuits_probe() - a host that failed may be probed now, unless it asked for a pause. */
void kms_circuits_probe(struct kms *kms);

/* kms_azure() - the client of scheme https, borrowed: for kms/azure/keys.h and diagnose.h. */
struct azure *kms_azure(struct kms *kms);

#endif
