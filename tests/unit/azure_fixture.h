/* tests/unit/azure_fixture.h - what test_azure_*.c share: bodies, key ids, sentences. */
#ifndef DEPFS_TEST_AZURE_FIXTURE_H
#define DEPFS_TEST_AZURE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kms/azure/call_internal.h"
#include "kms/azure/cause_internal.h"
#include "kms/azure/hosts_internal.h"
#include "kms/azure/reply_internal.h"
#include "kms/azure/sbuf_internal.h"
#include "kms/azure/secret_file_internal.h"
#include "kms/azure/token_fetch_internal.h"
#include "kms/kms.h"

#define V32	  "0123456789abcdef0123456789abcdef"
#define OTHER32	  "ffffffffffffffffffffffffffffffff"
#define VAULT	  "hot.vault.azure.net"
#define KEY	  "https://" VAULT "/keys/Root-1"
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static inline struct secret *fix_body(const char *text)
{
	struct secret *body = NULL;

	assert_int_equal(secret_new_from(text, strlen(text), &body), 0);
	return body;
}

static inline struct key_id fix_key(const char *text)
{
	struct key_id id;

	assert_int_equal(key_id_parse(text, &id, NULL), 0);
	return id;
}

static inline void fix_says(const struct err *err, const char *words)
{
	if (!strstr(err->text, words))
		fail_msg("'%s' does not say '%s'", err->text, words);
}

#endif
