/* kms/azure/wipe.c - allocation functions for libcurl and jansson that wipe what they free. */
#include "kms/azure/wipe_internal.h"

#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

void *wipe_malloc(size_t len)
{
	return malloc(len);
}

void *wipe_calloc(size_t n, size_t len)
{
	return calloc(n, len);
}

void wipe_free(void *p)
{
	if (p)
		OPENSSL_cleanse(p, malloc_usable_size(p));
	free(p);
}

/* realloc() does not wipe the old bytes when it moves them. */
void *wipe_realloc(void *p, size_t len)
{
	size_t old_len = p ? malloc_usable_size(p) : 0;
	void *moved;

	if (p && len == 0) {
		wipe_free(p);
		return NULL;
	}
	moved = malloc(len);
	if (!moved)
		return NULL;
	if (p)
		memcpy(moved, p, old_len < len ? old_len : len);
	wipe_free(p);
	return moved;
}

char *wipe_strdup(const char *text)
{
	return strdup(text);
}

static void setup_json(void)
{
	json_set_alloc_funcs(wipe_malloc, wipe_free);
}

void wipe_setup_json(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, setup_json);
}
