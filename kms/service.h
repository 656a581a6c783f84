/* kms/service.h - what a key service offers to kms.c, one table of calls a scheme. For kms/ only.
 */
#ifndef DEPFS_KMS_SERVICE_H
#define DEPFS_KMS_SERVICE_H

#include "kms/kms.h"

struct kms {
	char *vaults_dir; /* of the local vaults, absolute; constant after kms_new() */
	kms_observe_fn *observe;
	void *observe_arg;
	struct azure *azure; /* the client of scheme https */
};

/* kms_path_absolute() - for free(); NULL: no memory, or no working directory. */
char *kms_path_absolute(const char *path);
/* kms_observe_call() - tells the observer, if any. @begun_us: of clock_now_us(). */
void kms_observe_call(const struct kms *kms, const char *vault, enum kms_operation operation,
		      enum kms_outcome outcome, uint64_t begun_us);

/* What a wrap yields. */
struct kms_wrapped {
	struct key_id kid; /* with the version that did it */
	uint8_t bytes[KMS_WRAP_MAX];
	size_t len;
};

/*
 * The calls of one scheme. @id is parsed and of that scheme; @request_id is room for
 * KMS_REQUEST_ID_LEN characters and empty on entry; ret_* are written with KMS_OK only. Any other
 * outcome comes with a sentence, which the caller widens by the key id.
 */
struct kms_service {
	const char *scheme;
	/* NULL: every vault is; else KMS_OK, or why the vault of @id is not asked at all */
	enum kms_outcome (*allowed)(const struct kms *kms, const struct key_id *id,
				    struct err *err);
	enum kms_outcome (*describe)(const struct kms *kms, const struct key_id *id,
				     struct kms_key_info *ret_info, char *request_id,
				     struct err *err);
	enum kms_outcome (*wrap)(const struct kms *kms, const struct key_id *id, struct secret *key,
				 struct kms_wrapped *ret_wrapped, char *request_id,
				 struct err *err);
	enum kms_outcome (*unwrap)(const struct kms *kms, const struct key_id *id,
				   const uint8_t *wrapped, size_t wrapped_len,
				   struct secret **ret_key, char *request_id, struct err *err);
};

extern const struct kms_service kms_local; /* local.c */
extern const struct kms_service kms_azure; /* akv.c */

#endif
