/* kms/azure/http_internal.h - one HTTPS request and its answer, bounded in time and size; http.c is
 * the only user of libcurl. */
#ifndef DEPFS_KMS_AZURE_HTTP_INTERNAL_H
#define DEPFS_KMS_AZURE_HTTP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "crypto/secret.h"

#define HTTP_BODY_MAX	 (64u * 1024) /* bytes of an answer; more is HTTP_TOO_LARGE */
#define HTTP_BODY_SHORT	 (8u * 1024)  /* enough for a wrapped or unwrapped key */
#define HTTP_HEADERS_MAX (64u * 1024)

/* How an exchange ended, whatever the status of an answer. */
enum http_fault {
	HTTP_ANSWERED,
	HTTP_DNS,	/* the name does not resolve */
	HTTP_CONNECT,	/* refused, no route */
	HTTP_PROXY,	/* the proxy does not pass the request on */
	HTTP_TIMEOUT,	/* of connecting, or of the whole exchange */
	HTTP_TLS,	/* certificate: maybe an attack, never retried */
	HTTP_BROKEN,	/* reset or cut short, also within the TLS handshake, or not HTTP */
	HTTP_TOO_LARGE, /* body or headers beyond their limits */
	HTTP_OWN,	/* this side: memory, or a libcurl that lacks an option */
	HTTP_FAULT_END,
};

struct http_field {
	const char *name, *value;
};

struct http_request {
	const char *url;
	const struct http_field *fields;
	size_t n_fields;
	bool post;
	bool form;	     /* body is form data, else JSON */
	const uint8_t *body; /* of a POST; borrowed */
	size_t body_len;
	bool local_endpoint; /* of a managed identity: plain http allowed, never through a proxy */
	bool new_connection; /* not over one that was used before */
	size_t body_max;     /* of the answer; 0: HTTP_BODY_MAX */
	uint64_t connect_ms, total_ms;
};

struct http_reply {
	int status;
	struct secret *body;	     /* NULL: none */
	char www_authenticate[2048]; /* all such fields, a comma between; cut when longer */
	char request_id[64];	     /* x-ms-request-id: letters, digits and hyphens, else empty */
	bool has_retry_after;
	uint64_t retry_after_ms;
	int64_t date; /* of the Date field, s since the epoch; 0: none */
};

static inline void http_reply_fini_p(struct http_reply *r)
{
	secret_free(r->body);
	*r = (struct http_reply){0};
}

struct http; /* connections that are kept for reuse; safe to use from many threads at once */

/**
 * http_new() - a client for http_send()
 * @ca_file: PEM file that replaces the system's certificate authorities; NULL: the system's
 * Return: 0; -ENOMEM; -ENOTSUP: libcurl without OpenSSL; -EINVAL: no certificate in @ca_file; errno
 * of open(2) for it.
 */
int http_new(const char *ca_file, struct http **ret_http, struct err *err) MUST_CHECK;
void http_free(struct http *h);
DEFINE_CLEANUP(struct http *, http_free)

/* http_proxy_variable() - the environment variable that sets libcurl's proxy; NULL: none is set. */
const char *http_proxy_variable(void);

/**
 * http_send() - one attempt: no redirect is followed, TLS 1.2 or newer, always verified
 * @ret_reply: to be released by http_reply_fini_p() in every case; status 0 without an answer.
 * Return: HTTP_ANSWERED; else @err holds a sentence that names the host, the cause and the remedy.
 */
enum http_fault http_send(struct http *h, const struct http_request *req,
			  struct http_reply *ret_reply, struct err *err) MUST_CHECK;

/**
 * retry_after_parse() - Retry-After (seconds or a date), retry-after-ms, x-ms-retry-after-ms
 * @now: seconds since the epoch, for a date
 * Return: 0; -ENOENT: another field; -EINVAL: none of its forms.
 */
int retry_after_parse(const char *name, const char *value, int64_t now,
		      uint64_t *ret_ms) MUST_CHECK;

/* http_header_line() - reads one line of an answer's head into @reply; for http.c and a fuzz
 * test. */
void http_header_line(struct http_reply *reply, const char *line, size_t len);

#endif
