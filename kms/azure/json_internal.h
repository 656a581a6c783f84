/* kms/azure/json_internal.h - answers of vaults and token services as JSON. */
#ifndef DEPFS_KMS_AZURE_JSON_INTERNAL_H
#define DEPFS_KMS_AZURE_JSON_INTERNAL_H

#include <jansson.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "crypto/secret.h"

DEFINE_CLEANUP(json_t *, json_decref)

/* json_take_object() - -EPROTO and a sentence unless @body is one JSON object without a name twice.
 * Strings with a NUL in them are refused. @ret_object: for json_decref_p(). */
int json_take_object(struct secret *body, json_t **ret_object, struct err *err) MUST_CHECK;
/* json_text() - a string member; NULL when there is none, or it is of another type. */
const char *json_text(const json_t *object, const char *name);
/* json_number() - an integer member, or a string of digits, as older endpoints send; -1: none. */
int64_t json_number(const json_t *object, const char *name);

#endif
