/* kms/azure/assertion.c - a client assertion made from a certificate's file (kms/README.md,
 * Tokens). */
#include "kms/azure/assertion_internal.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "kms/azure/attempt_internal.h"
#include "kms/azure/sbuf_internal.h"
#include "kms/azure/secret_file_internal.h"

#define PEM_MAX	   (64u * 1024) /* bytes: a key and its certificates */
#define LIFETIME_S 600
#define CHAIN_MAX  8

DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)
DEFINE_CLEANUP(BIO *, BIO_free_all)

struct identity {
	EVP_PKEY *key;
	X509 *chain[CHAIN_MAX]; /* [0] is the certificate of the key */
	unsigned n_chain;
};

static void identity_fini_p(struct identity *id)
{
	EVP_PKEY_free(id->key);
	for (unsigned i = 0; i < id->n_chain; i++)
		X509_free(id->chain[i]);
}

static int give_password(char *out, int out_len, int writing, void *arg)
{
	struct secret *password = arg;

	(void)writing;
	if (!password || secret_len(password) > (size_t)out_len)
		return -1; /* without this function OpenSSL would ask at the terminal */
	memcpy(out, secret_bytes(password), secret_len(password));
	return (int)secret_len(password);
}

static int read_key(struct secret *pem, struct secret *password, struct identity *id)
{
	CLEANUP(BIO_free_all_p) BIO *in = BIO_new_mem_buf(secret_bytes(pem), (int)secret_len(pem));

	id->key = in ? PEM_read_bio_PrivateKey(in, NULL, give_password, password) : NULL;
	ERR_clear_error();
	return id->key && EVP_PKEY_is_a(id->key, "RSA") ? 0 : -EINVAL;
}

/* Moves the certificate that belongs to the key to the front, wherever it stands in the file. */
static void chain_sort(struct identity *id)
{
	for (unsigned i = 1; i < id->n_chain; i++) {
		X509 *first = id->chain[0];

		if (X509_check_private_key(id->chain[i], id->key) != 1)
			continue;
		id->chain[0] = id->chain[i];
		id->chain[i] = first;
	}
}

static int read_chain(struct secret *pem, struct identity *id)
{
	CLEANUP(BIO_free_all_p) BIO *in = BIO_new_mem_buf(secret_bytes(pem), (int)secret_len(pem));
	X509 *one;

	while (in && id->n_chain < CHAIN_MAX && (one = PEM_read_bio_X509(in, NULL, NULL, NULL)))
		id->chain[id->n_chain++] = one;
	chain_sort(id);
	ERR_clear_error(); /* OpenSSL reports the end of the file as an error */
	return id->n_chain > 0 && X509_check_private_key(id->chain[0], id->key) == 1 ? 0 : -EINVAL;
}

static const char *why_no_key(struct secret *pem, const struct azure_config *c)
{
	if (!memmem(secret_bytes(pem), secret_len(pem), "ENCRYPTED", strlen("ENCRYPTED")))
		return "no RSA private key in PEM can be read from it (PFX files are not "
		       "supported)";
	return c->certificate_password ? "its private key does not open: the password of "
					 "AZURE_CLIENT_CERTIFICATE_PASSWORD may be wrong"
				       : "its private key is encrypted, and "
					 "AZURE_CLIENT_CERTIFICATE_PASSWORD is not set";
}

static int identity_load(const struct azure_config *c, struct identity *id, struct err *err)
{
	CLEANUP(secret_free_p) struct secret *pem = NULL;
	int r = secret_file_read(c->certificate_file, PEM_MAX, SECRET_FILE_PRIVATE, &pem, err);

	if (r == 0 && read_key(pem, c->certificate_password, id) < 0)
		r = err_set(err, -EINVAL, "%s: %s", c->certificate_file, why_no_key(pem, c));
	if (r == 0 && read_chain(pem, id) < 0)
		r = err_set(err, -EINVAL, "%s: holds no certificate for its private key",
			    c->certificate_file);
	ERR_clear_error();
	return r < 0 ? err_prefix(err, r, "AZURE_CLIENT_CERTIFICATE_PATH") : 0;
}

/* ---- header and claims ---- */

static int add_thumbprint(struct sbuf *b, const struct azure_config *c, const X509 *cert)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (X509_digest(cert, c->rs256 ? EVP_sha1() : EVP_sha256(), digest, &len) != 1)
		return -EIO;
	sbuf_text(b, c->rs256 ? ",\"x5t\":\"" : ",\"x5t#S256\":\"");
	sbuf_base64url(b, digest, len);
	sbuf_text(b, "\"");
	return 0;
}

/* RFC 7515 section 4.1.6: x5c holds standard base64, unlike the rest of a JWT. */
static int add_certificate(struct sbuf *b, X509 *cert)
{
	CLEANUP(free_mem_p) unsigned char *text = NULL;
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);

	if (len <= 0)
		return -EIO;
	text = malloc((size_t)len * 2 + 8);
	if (text) {
		(void)EVP_EncodeBlock(text, der, len);
		sbuf_text(b, "\"");
		sbuf_text(b, (char *)text);
		sbuf_text(b, "\"");
	}
	OPENSSL_free(der);
	return text ? 0 : -ENOMEM;
}

static int header_make(const struct azure_config *c, const struct identity *id, struct sbuf *b)
{
	int r;

	sbuf_text(b, c->rs256 ? "{\"alg\":\"RS256\"" : "{\"alg\":\"PS256\"");
	sbuf_text(b, ",\"typ\":\"JWT\"");
	r = add_thumbprint(b, c, id->chain[0]);
	if (r == 0 && c->send_chain) {
		sbuf_text(b, ",\"x5c\":[");
		for (unsigned i = 0; r == 0 && i < id->n_chain; i++) {
			sbuf_text(b, i > 0 ? "," : "");
			r = add_certificate(b, id->chain[i]);
		}
		sbuf_text(b, "]");
	}
	sbuf_text(b, "}");
	return r;
}

/* Tenant and client need no JSON escapes: config.c has checked their characters. */
static void claims_make(const struct azure_config *c, const char *audience, int64_t now,
			struct sbuf *b)
{
	char text[1024], jti[UUID_TEXT_LEN];

	request_uuid(jti);
	(void)snprintf(text, sizeof(text),
		       "{\"aud\":\"%.500s\",\"iss\":\"%.80s\",\"sub\":\"%.80s\",\"jti\":\"%s\","
		       "\"nbf\":%lld,\"iat\":%lld,\"exp\":%lld}",
		       audience, c->client, c->client, jti, (long long)now, (long long)now,
		       (long long)(now + LIFETIME_S));
	sbuf_text(b, text);
}

static int sign(const struct azure_config *c, EVP_PKEY *key, const char *text, uint8_t *out,
		size_t *len)
{
	CLEANUP(EVP_MD_CTX_free_p) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL; /* owned by ctx */
	bool ok = ctx && EVP_DigestSignInit(ctx, &pctx, EVP_sha256(), NULL, key) == 1;

	if (ok && !c->rs256) /* RFC 7518 section 3.5: salt as long as the hash */
		ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1;
	ok = ok && EVP_DigestSign(ctx, out, len, (const uint8_t *)text, strlen(text)) == 1;
	ERR_clear_error();
	return ok ? 0 : -EIO;
}

static void add_part(struct sbuf *jwt, struct sbuf *part)
{
	const char *text = sbuf_cstr(part);

	jwt->failed |= sbuf_failed(part);
	sbuf_base64url(jwt, text, strlen(text));
}

int assertion_make(const struct azure_config *c, const char *audience, int64_t now,
		   struct secret **ret_jwt, struct err *err)
{
	CLEANUP(identity_fini_p) struct identity id = {0};
	CLEANUP(sbuf_fini_p) struct sbuf header = SBUF_EMPTY, claims = SBUF_EMPTY, jwt = SBUF_EMPTY;
	uint8_t signature[1024];
	size_t len = sizeof(signature);
	int r = identity_load(c, &id, err);

	if (r < 0)
		return r;
	r = header_make(c, &id, &header);
	claims_make(c, audience, now, &claims);
	add_part(&jwt, &header);
	sbuf_text(&jwt, ".");
	add_part(&jwt, &claims);
	if (r == 0)
		r = sign(c, id.key, sbuf_cstr(&jwt), signature, &len);
	if (r < 0)
		return err_set(err, r, "%s: OpenSSL refuses to sign with its key",
			       c->certificate_file);
	sbuf_text(&jwt, ".");
	sbuf_base64url(&jwt, signature, len);
	r = sbuf_take(&jwt, ret_jwt);
	return r < 0 ? err_set(err, r, "no space on the secure heap") : 0;
}
