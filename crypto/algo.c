/* crypto/algo.c - OpenSSL's algorithms fetched once, and each thread's contexts made and freed. */
#include "crypto/algo_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "crypto/base/cleanup.h"
#include "crypto/secret.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct algo algo;	 /* written in once, constant after */
static bool algo_usable;	 /* as algo */
static pthread_key_t thread_key; /* as algo */

static void thread_free(void *p)
{
	struct algo_thread *t = p;

	if (!t)
		return;
	EVP_MD_CTX_free(t->md);
	EVP_MAC_CTX_free(t->cmac);
	EVP_CIPHER_CTX_free(t->ctr);
	secret_free_mem(t->scratch, sizeof(*t->scratch));
	free(t);
}

static void thread_free_p(struct algo_thread **t)
{
	thread_free(*t);
}

static void fetch_all(void)
{
	algo.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	algo.ctr = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL);
	algo.cmac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	algo.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	algo_usable = algo.gcm && algo.ctr && algo.cmac && algo.sha256 &&
		      pthread_key_create(&thread_key, thread_free) == 0;
	if (!algo_usable)
		ERR_clear_error();
}

const struct algo *algo_get(void)
{
	(void)pthread_once(&once, fetch_all); /* fails only for a bad argument */
	return algo_usable ? &algo : NULL;
}

/* The cipher of CMAC is set once; EVP_MAC_init() with a key alone keeps it. */
static bool cmac_set_cipher(EVP_MAC_CTX *cmac)
{
	char name[] = "AES-256-CBC";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, name, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(cmac, params) == 1;
}

static struct algo_thread *thread_new(const struct algo *a)
{
	CLEANUP(thread_free_p) struct algo_thread *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->md = EVP_MD_CTX_new();
	t->cmac = EVP_MAC_CTX_new(a->cmac);
	t->ctr = EVP_CIPHER_CTX_new();
	t->scratch = secret_alloc(sizeof(*t->scratch));
	if (!t->md || !t->cmac || !t->ctr || !t->scratch)
		return NULL;
	if (EVP_DigestInit_ex2(t->md, a->sha256, NULL) != 1 || !cmac_set_cipher(t->cmac) ||
	    EVP_CipherInit_ex2(t->ctr, a->ctr, NULL, NULL, 1, NULL) != 1)
		return NULL;
	if (pthread_setspecific(thread_key, t) != 0)
		return NULL;
	return STEAL(t);
}

struct algo_thread *algo_thread_get(void)
{
	const struct algo *a = algo_get();
	struct algo_thread *t;

	if (!a)
		return NULL;
	t = pthread_getspecific(thread_key);
	if (!t)
		t = thread_new(a);
	if (!t)
		ERR_clear_error();
	return t;
}

int algo_failed(void)
{
	ERR_clear_error();
	return -EIO;
}
