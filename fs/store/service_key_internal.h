/* fs/store/service_key_internal.h - the service key's file, for what makes stores and keys. */
#ifndef DEPFS_STORE_SERVICE_KEY_INTERNAL_H
#define DEPFS_STORE_SERVICE_KEY_INTERNAL_H

#include <stdint.h>

#include "crypto/base/bytes.h"
#include "crypto/base/err.h"
#include "crypto/secret.h"

/* service_spec_path() - the path in "file:PATH", borrowed; -EINVAL and a sentence for anything
 * else. */
int service_spec_path(const char *spec, const char **ret_path, struct err *err) MUST_CHECK;

/* service_file_read() - the key's 32 bytes; errors are those of service_key_load(). */
int service_file_read(const char *spec, const uint8_t store_id[static UUID_LEN],
		      struct secret **ret_root, struct err *err) MUST_CHECK;

/* service_file_discard() - remove the file that service_key_create() made. */
void service_file_discard(const char *spec);

#endif
