/* kms/vault/key_fit.c - the rules for a root key: name, remedy and check of each. */
#include "kms/vault/key_fit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* 9999-01-01: stands for "never" where an Azure policy demands that keys have an expiry date. */
#define EXPIRES_NEVER INT64_C(253370764800)

static const struct {
	const char *name;
	const char *remedy;
} rules[] = {
	[KMS_RULE_TYPE] = {"type", "name another key: of type RSA or RSA-HSM, with 2048, 3072 or "
				   "4096 bits"},
	[KMS_RULE_OPERATIONS] = {"operations",
				 "let the key be used for wrapKey and unwrapKey: its permitted "
				 "operations (key_ops) need both"},
	[KMS_RULE_ENABLED] = {"enabled", "enable the newest version of the key, and take away its "
					 "activation date if that lies ahead"},
	[KMS_RULE_EXPIRY] = {"expiry", "take the expiry date of the key away"},
};

const char *kms_rule_name(enum kms_rule rule)
{
	return (size_t)rule < KMS_RULE_END ? rules[rule].name : "unknown";
}

const char *kms_rule_remedy(enum kms_rule rule)
{
	return (size_t)rule < KMS_RULE_END ? rules[rule].remedy : "";
}

static int found_set(char ret_found[static KMS_FOUND_LEN], int r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int found_set(char ret_found[static KMS_FOUND_LEN], int r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(ret_found, KMS_FOUND_LEN, fmt, args);
	va_end(args);
	return r;
}

static int fit_type(const struct kms_key_info *info, char ret_found[static KMS_FOUND_LEN])
{
	if (strcmp(info->kty, "RSA") != 0 && strcmp(info->kty, "RSA-HSM") != 0)
		return found_set(ret_found, -EINVAL, "the key's type is %s, not RSA", info->kty);
	if (info->bits != 2048 && info->bits != 3072 && info->bits != 4096)
		return found_set(ret_found, -EINVAL, "the key has %u bits, not 2048, 3072 or 4096",
				 info->bits);
	return found_set(ret_found, 0, "%s %u", info->kty, info->bits);
}

static int fit_operations(const struct kms_key_info *info, char ret_found[static KMS_FOUND_LEN])
{
	if (info->can_wrap && info->can_unwrap)
		return found_set(ret_found, 0, "%s", "");
	return found_set(ret_found, -EINVAL, "the key does not allow %s%s%s",
			 info->can_wrap ? "" : "wrapKey",
			 info->can_wrap || info->can_unwrap ? "" : " and ",
			 info->can_unwrap ? "" : "unwrapKey");
}

static const char *date_of(int64_t when_s, char out[static 32])
{
	const time_t t = (time_t)when_s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, 32, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		return "a far year";
	return out;
}

static int fit_enabled(const struct kms_key_info *info, int64_t now_s,
		       char ret_found[static KMS_FOUND_LEN])
{
	char date[32];

	if (!info->enabled)
		return found_set(ret_found, -EKEYREVOKED, "the key is disabled");
	if (info->not_before > now_s)
		return found_set(ret_found, -EINVAL, "the key is not active before %s",
				 date_of(info->not_before, date));
	return found_set(ret_found, 0, "%s", "");
}

static int fit_expiry(const struct kms_key_info *info, int64_t now_s,
		      char ret_found[static KMS_FOUND_LEN])
{
	char date[32];

	if (info->expires == 0)
		return found_set(ret_found, 0, "none");
	if (info->expires >= EXPIRES_NEVER)
		return found_set(ret_found, 0, "year 9999");
	return found_set(
		ret_found, -EINVAL, "the key %s on %s: a root key must have no expiry date",
		info->expires > now_s ? "expires" : "expired", date_of(info->expires, date));
}

int kms_key_fit(const struct kms_key_info *info, enum kms_rule rule, int64_t now_s,
		char ret_found[static KMS_FOUND_LEN])
{
	switch (rule) {
	case KMS_RULE_TYPE:
		return fit_type(info, ret_found);
	case KMS_RULE_OPERATIONS:
		return fit_operations(info, ret_found);
	case KMS_RULE_ENABLED:
		return fit_enabled(info, now_s, ret_found);
	case KMS_RULE_EXPIRY:
		return fit_expiry(info, now_s, ret_found);
	default:
		return found_set(ret_found, -EINVAL, "no such rule");
	}
}
