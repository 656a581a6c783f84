/* kms/azure/http.c - one HTTPS exchange by libcurl: settings, bounded answer, faults as
 * sentences. */
#include "kms/azure/http_internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "kms/azure/cause_internal.h"
#include "kms/azure/wipe_internal.h"

#define IDLE_MAX 8 /* handles kept for reuse, each with its connections */

DEFINE_CLEANUP(struct curl_slist *, curl_slist_free_all)

struct http {
	char *ca_file; /* NULL: the system's */
	pthread_mutex_t lock;
	CURL *idle[IDLE_MAX]; /* guarded by lock */
	unsigned n_idle;      /* guarded by lock */
};

/* One exchange, filled by libcurl's callbacks. */
struct exchange {
	const struct http_request *req;
	struct http_reply *reply;
	size_t body_len, head_len;
	long proxy_status; /* a proxy's status for CONNECT; 0: no proxy was asked */
	bool too_large, no_memory;
	char curl_text[CURL_ERROR_SIZE];
};

/* ---- the library, set up once a process ---- */

static CURLcode setup_result;

static void setup(void)
{
	(void)unsetenv("SSLKEYLOGFILE"); /* libcurl would write its TLS session keys there */
	setup_result = curl_global_init_mem(CURL_GLOBAL_DEFAULT, wipe_malloc, wipe_free,
					    wipe_realloc, wipe_strdup, wipe_calloc);
}

static int setup_curl(struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

	(void)pthread_once(&once, setup);
	if (setup_result != CURLE_OK)
		return err_set(err, -ENOMEM, "libcurl cannot be set up");
	/* tls_setup() makes OpenSSL wipe decrypted records; with another TLS library they stay */
	if (!info->ssl_version || strncmp(info->ssl_version, "OpenSSL/", 8) != 0)
		return err_set(err, -ENOTSUP,
			       "libcurl does its TLS by %s: the one built on OpenSSL is needed",
			       info->ssl_version ? info->ssl_version : "nothing");
	return 0;
}

/* libcurl would report this only at the first connection. */
static int ca_check(const char *ca_file, struct err *err)
{
	CLEANUP(close_fd_p) int fd = open(ca_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	SSL_CTX *ctx;
	int ok;

	if (fd < 0)
		return err_set(err, -errno, "CA file %s: %m", ca_file);
	ctx = SSL_CTX_new(TLS_client_method());
	ok = ctx && SSL_CTX_load_verify_locations(ctx, ca_file, NULL) == 1;
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return ok ? 0
		  : err_set(err, -EINVAL, "CA file %s: no certificate in PEM can be read from it",
			    ca_file);
}

int http_new(const char *ca_file, struct http **ret_http, struct err *err)
{
	CLEANUP(http_free_p) struct http *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return err_set(err, -ENOMEM, "no memory for connections");
	(void)pthread_mutex_init(&h->lock, NULL);
	r = setup_curl(err);
	if (r == 0 && ca_file)
		r = ca_check(ca_file, err);
	if (r < 0)
		return r;
	h->ca_file = ca_file ? strdup(ca_file) : NULL;
	if (ca_file && !h->ca_file)
		return err_set(err, -ENOMEM, "no memory for connections");
	*ret_http = STEAL(h);
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	while (h->n_idle > 0)
		curl_easy_cleanup(h->idle[--h->n_idle]);
	(void)pthread_mutex_destroy(&h->lock);
	free(h->ca_file);
	free(h);
}

/* A handle keeps its connections; curl_easy_reset() clears all else between two uses. */
static CURL *handle_take(struct http *h)
{
	CURL *curl = NULL;

	pthread_mutex_lock(&h->lock);
	if (h->n_idle > 0)
		curl = h->idle[--h->n_idle];
	pthread_mutex_unlock(&h->lock);
	return curl ? curl : curl_easy_init();
}

static void handle_give(struct http *h, CURL *curl)
{
	curl_easy_reset(curl);
	pthread_mutex_lock(&h->lock);
	if (h->n_idle < IDLE_MAX) {
		h->idle[h->n_idle++] = curl;
		curl = NULL;
	}
	pthread_mutex_unlock(&h->lock);
	if (curl)
		curl_easy_cleanup(curl);
}

/* ---- callbacks ---- */

static int body_grow(struct exchange *x, size_t need)
{
	struct secret *larger = NULL;
	size_t space = x->reply->body ? secret_len(x->reply->body) : 4096;

	if (x->reply->body && need <= space)
		return 0;
	while (space < need)
		space *= 2;
	if (secret_new(space, &larger) < 0)
		return -ENOMEM;
	if (x->reply->body)
		memcpy(secret_bytes(larger), secret_bytes(x->reply->body), x->body_len);
	secret_free(x->reply->body);
	x->reply->body = larger;
	return 0;
}

static size_t body_max(const struct exchange *x)
{
	return x->req->body_max ? x->req->body_max : HTTP_BODY_MAX;
}

static size_t on_body(char *in, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	size_t len = size * n;

	if (len > body_max(x) - x->body_len) {
		x->too_large = true;
		return 0; /* ends the transfer */
	}
	if (body_grow(x, x->body_len + len) < 0) {
		x->no_memory = true;
		return 0;
	}
	memcpy(secret_bytes(x->reply->body) + x->body_len, in, len);
	x->body_len += len;
	return len;
}

static size_t on_header(char *in, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	size_t len = size * n;

	x->head_len += len;
	if (x->head_len > HTTP_HEADERS_MAX) {
		x->too_large = true;
		return 0;
	}
	http_header_line(x->reply, in, len);
	return len;
}

/* Decrypted TLS records hold tokens and keys, so OpenSSL is to wipe them after use. */
static CURLcode tls_setup(CURL *curl, void *ctx, void *arg)
{
	(void)curl, (void)arg;
	(void)SSL_CTX_set_options(ctx,
				  SSL_OP_CLEANSE_PLAINTEXT); /* returns the new set, never fails */
	return CURLE_OK;
}

/* ---- a request's settings ---- */

/* The first failure is kept: no request may go out where libcurl, old or built with less, refuses
 * an option, such as the one that verifies certificates. */
#define SET(x, option, value)                                                   \
	do {                                                                    \
		CURLcode set_ = curl_easy_setopt((x)->curl, (option), (value)); \
		if ((x)->result == CURLE_OK)                                    \
			(x)->result = set_;                                     \
	} while (0)

struct settings {
	CURL *curl;
	CURLcode result;
};

static void set_tls(struct settings *s, const struct http *h)
{
	SET(s, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(s, CURLOPT_SSL_VERIFYPEER, 1L);
	SET(s, CURLOPT_SSL_VERIFYHOST, 2L);
	SET(s, CURLOPT_SSL_CTX_FUNCTION, tls_setup);
	if (h->ca_file) {
		SET(s, CURLOPT_CAINFO, h->ca_file);
		SET(s, CURLOPT_CAPATH, NULL);
	}
}

static void set_limits(struct settings *s, const struct http_request *req)
{
	SET(s, CURLOPT_CONNECTTIMEOUT_MS, (long)req->connect_ms);
	SET(s, CURLOPT_TIMEOUT_MS, (long)req->total_ms);
	SET(s, CURLOPT_NOSIGNAL, 1L);
	/* else a time-out waits for the resolver's thread, for minutes where no name server
	 * answers */
	SET(s, CURLOPT_QUICK_EXIT, 1L);
	SET(s, CURLOPT_FOLLOWLOCATION, 0L);
	SET(s, CURLOPT_PROTOCOLS_STR, req->local_endpoint ? "http,https" : "https");
	SET(s, CURLOPT_FRESH_CONNECT, req->new_connection ? 1L : 0L);
	SET(s, CURLOPT_TCP_KEEPALIVE, 1L);
	/* not HTTP/2, which would keep the token in its header tables, RFC 7541 */
	SET(s, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(s, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* keep a proxy's answer out of on_header() */
	if (req->local_endpoint)
		SET(s, CURLOPT_PROXY, "");
}

static void set_callbacks(struct settings *s, struct exchange *x)
{
	SET(s, CURLOPT_WRITEFUNCTION, on_body);
	SET(s, CURLOPT_WRITEDATA, x);
	SET(s, CURLOPT_HEADERFUNCTION, on_header);
	SET(s, CURLOPT_HEADERDATA, x);
	SET(s, CURLOPT_ERRORBUFFER, x->curl_text);
}

static void set_body(struct settings *s, const struct http_request *req)
{
	if (!req->post)
		return;
	SET(s, CURLOPT_POST, 1L);
	SET(s, CURLOPT_POSTFIELDSIZE, (long)req->body_len);
	SET(s, CURLOPT_POSTFIELDS, req->body ? (const char *)req->body : ""); /* not copied */
}

static int add_field(struct curl_slist **list, const char *name, const char *value)
{
	size_t len = strlen(name) + strlen(value) + 3;
	char *line = secret_alloc(len);
	struct curl_slist *longer;

	if (!line)
		return -ENOMEM;
	(void)snprintf(line, len, "%s: %s", name, value);
	longer = curl_slist_append(*list, line); /* its copy is wiped when freed, wipe_internal.h */
	secret_free_mem(line, len);
	if (!longer)
		return -ENOMEM;
	*list = longer;
	return 0;
}

static int fields_make(const struct http_request *req, struct curl_slist **ret_list)
{
	struct curl_slist *expect = curl_slist_append(*ret_list, "Expect:"); /* no 100-continue */
	int r = expect ? 0 : -ENOMEM;

	if (expect)
		*ret_list = expect;
	if (r == 0)
		r = add_field(ret_list, "User-Agent", "depfs/" DEPFS_VERSION);
	if (r == 0)
		r = add_field(ret_list, "Accept", "application/json");
	if (r == 0 && req->post)
		r = add_field(ret_list, "Content-Type",
			      req->form ? "application/x-www-form-urlencoded" : "application/json");
	for (size_t i = 0; r == 0 && i < req->n_fields; i++)
		r = add_field(ret_list, req->fields[i].name, req->fields[i].value);
	return r;
}

/* ---- faults ---- */

static const struct {
	CURLcode code;
	enum http_fault fault;
	const char *sentence; /* what it is, and what to do */
} faults[] = {
	{CURLE_COULDNT_RESOLVE_HOST, HTTP_DNS,
	 "the name does not resolve: check the name and this machine's DNS"},
	{CURLE_COULDNT_RESOLVE_PROXY, HTTP_PROXY,
	 "the proxy's name does not resolve, or the variable is malformed: in a password '/' is "
	 "written as %2F, '@' as %40, and so on"},
	{CURLE_COULDNT_CONNECT, HTTP_CONNECT,
	 "no connection: check the network, firewalls and private endpoints on the way"},
	{CURLE_PROXY, HTTP_PROXY, "the proxy does not let it through"},
	{CURLE_OPERATION_TIMEDOUT, HTTP_TIMEOUT, "no answer in time"},
	{CURLE_PEER_FAILED_VERIFICATION, HTTP_TLS,
	 "its certificate is not accepted: check ca_file=, this machine's clock, and whether "
	 "something stands between"},
	{CURLE_SSL_CONNECT_ERROR, HTTP_BROKEN,
	 "the TLS handshake fails"}, /* mostly a connection that breaks off */
	{CURLE_SSL_CACERT_BADFILE, HTTP_TLS, "the CA file cannot be read"},
	{CURLE_SSL_CERTPROBLEM, HTTP_TLS, "TLS fails"},
	{CURLE_SSL_CIPHER, HTTP_TLS, "no common TLS cipher"},
	{CURLE_SSL_ISSUER_ERROR, HTTP_TLS, "its certificate has another issuer"},
	{CURLE_SSL_INVALIDCERTSTATUS, HTTP_TLS, "its certificate was revoked"},
	{CURLE_GOT_NOTHING, HTTP_BROKEN, "the connection ended without an answer"},
	{CURLE_SEND_ERROR, HTTP_BROKEN, "the connection broke"},
	{CURLE_RECV_ERROR, HTTP_BROKEN, "the connection broke"},
	{CURLE_PARTIAL_FILE, HTTP_BROKEN, "the answer is cut short"},
	{CURLE_WEIRD_SERVER_REPLY, HTTP_BROKEN, "the answer is not HTTP"},
	{CURLE_UNSUPPORTED_PROTOCOL, HTTP_BROKEN, "the answer is not HTTP/1"},
	{CURLE_OUT_OF_MEMORY, HTTP_OWN, "out of memory"},
};

const char *http_proxy_variable(void)
{
	static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (getenv(names[i]) && *getenv(names[i]))
			return names[i];
	return NULL;
}

/* libcurl's text may quote what a host has sent, so control characters are replaced; where it
 * cannot parse a proxy's variable it quotes the variable with the password, so that is left out. */
static const char *sanitize(char *text, CURLcode code)
{
	if (!text[0] || strchr(text, '@') || strncmp(text, "Unsupported proxy", 17) == 0)
		return curl_easy_strerror(code);
	for (char *at = text; *at; at++)
		if (!isprint((unsigned char)*at))
			*at = ' ';
	return text;
}

static const char *proxy_refusal(long status)
{
	if (status == 407)
		return "the proxy wants a name and a password: http://NAME:PASSWORD@HOST:PORT";
	return status == 403 ? "the proxy refuses to pass it on" : "the proxy cannot pass it on";
}

static enum http_fault judge(struct exchange *x, CURLcode code, const char *host, struct err *err)
{
	const char *proxy = x->req->local_endpoint ? NULL : http_proxy_variable();
	enum http_fault fault = HTTP_BROKEN;
	const char *sentence = "the exchange failed";

	if (code == CURLE_OK && x->reply->status != 0)
		return HTTP_ANSWERED;
	if (x->too_large && x->reply->status != 0 &&
	    x->reply->status != 200) { /* a refusal, whose status is enough */
		secret_free(x->reply->body);
		x->reply->body = NULL;
		return HTTP_ANSWERED;
	}
	if (x->too_large) {
		(void)err_set(err, -EPROTO, "%s: the answer is larger than %zu KiB", host,
			      body_max(x) >> 10);
		(void)azure_set_cause(err, HTTP_TOO_LARGE, 0);
		return HTTP_TOO_LARGE;
	}
	if (x->no_memory)
		code = CURLE_OUT_OF_MEMORY;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (faults[i].code == code) {
			fault = faults[i].fault;
			sentence = faults[i].sentence;
		}
	if (x->proxy_status >= 300) {
		fault = HTTP_PROXY;
		sentence = proxy_refusal(x->proxy_status);
	}
	(void)err_set(err, -EIO, "%.100s: %s%s%s (%.200s)", host, sentence,
		      proxy ? "; there is a proxy, by " : "", proxy ? proxy : "",
		      sanitize(x->curl_text, code));
	(void)azure_set_cause(err, fault, 0);
	return fault;
}

/* "https://user:password@host:port/..." -> "host:port" */
static void host_of(const char *url, char out[static 128])
{
	const char *at = strstr(url, "://"), *user;
	size_t len;

	at = at ? at + 3 : url;
	len = strcspn(at, "/?");
	user = memrchr(at, '@', len);
	if (user) { /* a managed identity's endpoint may have one; a key id cannot */
		len -= (size_t)(user + 1 - at);
		at = user + 1;
	}
	(void)snprintf(out, 128, "%.*s", (int)len, at);
}

static CURLcode perform(struct http *h, struct exchange *x, CURL *curl, struct curl_slist *fields)
{
	struct settings s = {.curl = curl};
	long status = 0;

	SET(&s, CURLOPT_URL, x->req->url);
	SET(&s, CURLOPT_HTTPHEADER, fields);
	set_tls(&s, h);
	set_limits(&s, x->req);
	set_callbacks(&s, x);
	set_body(&s, x->req);
	if (s.result == CURLE_OK)
		s.result = curl_easy_perform(curl);
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status); /* 0: no answer */
	x->reply->status = (int)status;
	(void)curl_easy_getinfo(curl, CURLINFO_HTTP_CONNECTCODE,
				&x->proxy_status); /* 0: no CONNECT */
	return s.result;
}

enum http_fault http_send(struct http *h, const struct http_request *req,
			  struct http_reply *ret_reply, struct err *err)
{
	CLEANUP(curl_slist_free_all_p) struct curl_slist *fields = NULL;
	struct exchange x = {.req = req, .reply = ret_reply};
	CURL *curl;
	char host[128];
	CURLcode code;

	*ret_reply = (struct http_reply){0};
	host_of(req->url, host);
	curl = fields_make(req, &fields) == 0 ? handle_take(h) : NULL;
	if (!curl) {
		(void)azure_set_cause(err, HTTP_OWN,
				      err_set(err, -ENOMEM, "%s: out of memory", host));
		return HTTP_OWN;
	}
	code = perform(h, &x, curl, fields);
	if (ret_reply->body)
		secret_shrink(ret_reply->body, x.body_len);
	handle_give(h, curl);
	return judge(&x, code, host, err);
}
