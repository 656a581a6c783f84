/* kms/azure/token_managed.c - tokens of a managed identity: IMDS, App Service, Azure Arc, Cloud
 * Shell; kms/README.md, Managed identities. */
#include "kms/azure/token_fetch_internal.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "kms/azure/cause_internal.h"
#include "kms/azure/sbuf_internal.h"
#include "kms/azure/secret_file_internal.h"

#define IMDS_HOST	"http://169.254.169.254"
#define IMDS_CONNECT_MS 1000 /* short, since outside Azure the address does not answer */
#define ARC_FOLDER	"/var/opt/azcmagent/tokens/"
#define ARC_FILE_MAX	4096 /* bytes */

/* One endpoint: how its request looks. */
struct source {
	const char *name;
	struct sbuf url;
	struct http_field fields[2];
	size_t n_fields;
	bool post, arc;
	uint64_t connect_ms; /* 0: as for all other hosts */
};

static void source_fini_p(struct source *s)
{
	sbuf_fini_p(&s->url);
}

static void url_begin(struct source *s, const char *base, const char *path, const char *version)
{
	sbuf_text(&s->url, base);
	sbuf_text(&s->url, path);
	sbuf_text(&s->url, strchr(base, '?') ? "&" : "?");
	sbuf_text(&s->url, "api-version=");
	sbuf_text(&s->url, version);
}

static void url_param(struct source *s, const char *name, const char *value)
{
	if (value)
		sbuf_form(&s->url, name, value, strlen(value));
}

static void field_add(struct source *s, const char *name, const char *value)
{
	s->fields[s->n_fields++] = (struct http_field){name, value};
}

static void app_service(const struct azure_config *c, const char *resource, const char *header,
			struct source *s)
{
	url_begin(s, c->identity_endpoint, "", "2019-08-01");
	url_param(s, "resource", resource);
	url_param(s, "client_id", c->client);
	field_add(s, "X-IDENTITY-HEADER", header);
}

static void app_service_old(const struct azure_config *c, const char *resource, const char *header,
			    struct source *s)
{
	url_begin(s, c->msi_endpoint, "", "2017-09-01");
	url_param(s, "resource", resource);
	url_param(s, "clientid", c->client);
	field_add(s, "secret", header);
}

static void arc(const struct azure_config *c, const char *resource, struct source *s)
{
	s->arc = true; /* no client_id is sent: Arc has the system-assigned identity only */
	url_begin(s, c->identity_endpoint, "", "2019-11-01");
	url_param(s, "resource", resource);
	field_add(s, "Metadata", "true");
}

static void cloud_shell(const struct azure_config *c, struct source *s)
{
	s->post = true;
	sbuf_text(&s->url, c->msi_endpoint);
	field_add(s, "Metadata", "true");
}

static void imds(const struct azure_config *c, const char *resource, struct source *s)
{
	const char *host = c->pod_identity_host ? c->pod_identity_host : IMDS_HOST;

	s->connect_ms = IMDS_CONNECT_MS;
	url_begin(s, host, "/metadata/identity/oauth2/token", "2018-02-01");
	url_param(s, "resource", resource);
	url_param(s, "client_id", c->client);
	field_add(s, "Metadata", "true");
}

enum endpoint {
	APP_SERVICE,
	ARC,
	APP_SERVICE_OLD,
	CLOUD_SHELL,
	IMDS,
};

static const struct {
	const char *name;
	bool system_alone; /* no user-assigned identities */
} endpoints[] = {
	[APP_SERVICE] = {"App Service", false},
	[ARC] = {"Azure Arc", true},
	[APP_SERVICE_OLD] = {"App Service (2017)", false},
	[CLOUD_SHELL] = {"Cloud Shell", true},
	[IMDS] = {"instance metadata service", false},
};

/* By the variables that are set, as Microsoft's SDKs do. */
static enum endpoint endpoint_of(const struct azure_config *c)
{
	if (c->identity_endpoint && c->identity_header)
		return APP_SERVICE;
	if (c->identity_endpoint && c->imds_endpoint)
		return ARC;
	if (c->msi_endpoint)
		return c->msi_secret ? APP_SERVICE_OLD : CLOUD_SHELL;
	return IMDS;
}

/* @header: space for IDENTITY_HEADER or MSI_SECRET. */
static void source_choose(const struct azure_config *c, const char *resource, struct sbuf *header,
			  struct source *s)
{
	enum endpoint endpoint = endpoint_of(c);
	struct secret *secret = endpoint == APP_SERVICE ? c->identity_header : c->msi_secret;

	s->name = endpoints[endpoint].name;
	if (secret)
		sbuf_add(header, secret_bytes(secret), secret_len(secret));
	switch (endpoint) {
	case APP_SERVICE:
		return app_service(c, resource, sbuf_cstr(header), s);
	case ARC:
		return arc(c, resource, s);
	case APP_SERVICE_OLD:
		return app_service_old(c, resource, sbuf_cstr(header), s);
	case CLOUD_SHELL:
		return cloud_shell(c, s);
	case IMDS:
		return imds(c, resource, s);
	}
}

static int address_check(const char *variable, const char *url, struct err *err)
{
	if (!url || strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0)
		return 0;
	return azure_set_cause(err, AZURE_ENDPOINT,
			       err_set(err, -EINVAL,
				       "%s: an address http://... or https://... is needed",
				       variable));
}

int managed_check(const struct azure_config *c, struct err *err)
{
	enum endpoint endpoint = endpoint_of(c);

	if (c->client && endpoints[endpoint].system_alone)
		return azure_set_cause(err, AZURE_SYSTEM_ALONE,
				       err_set(err, -EINVAL,
					       "%s has no user-assigned identities: take "
					       "AZURE_CLIENT_ID away",
					       endpoints[endpoint].name));
	if (endpoint == APP_SERVICE || endpoint == ARC)
		return address_check("IDENTITY_ENDPOINT", c->identity_endpoint, err);
	if (endpoint == IMDS)
		return address_check("AZURE_POD_IDENTITY_AUTHORITY_HOST", c->pod_identity_host,
				     err);
	return address_check("MSI_ENDPOINT", c->msi_endpoint, err);
}

static enum http_fault send_to(const struct token_request *request, struct source *s,
			       const struct sbuf *body, struct http_reply *ret_reply,
			       struct err *err)
{
	struct http_request req = {
		.url = sbuf_cstr(&s->url),
		.fields = s->fields,
		.n_fields = s->n_fields,
		.post = s->post,
		.form = true,
		.body = body->space ? secret_bytes(body->space) : NULL,
		.body_len = body->len,
		.local_endpoint = true,
	};

	attempt_timeouts(request->config->timeout_ms, request->deadline_ms, &req);
	if (s->connect_ms && s->connect_ms < req.connect_ms)
		req.connect_ms = s->connect_ms;
	return http_send(request->http, &req, ret_reply, err);
}

/* Only files in the folder of Arc's agent are read: an answer must not make depfs send another
 * file. */
static int arc_path_check(const char *path, struct err *err)
{
	const char *name = path + strlen(ARC_FOLDER);
	size_t len = strlen(path);

	if (strncmp(path, ARC_FOLDER, strlen(ARC_FOLDER)) != 0 || strchr(name, '/') ||
	    len < strlen(ARC_FOLDER) + 5 || strcmp(path + len - 4, ".key") != 0)
		return azure_set_cause(
			err, AZURE_ARC_FOREIGN,
			err_set(err, -EPERM,
				"Azure Arc names a file that is not %sNAME.key: it is not read",
				ARC_FOLDER));
	return 0;
}

/* The key becomes part of a header field, so it may hold no blank and no control character. */
static int arc_key_check(struct secret *key, const char *path, struct err *err)
{
	const uint8_t *at = secret_bytes(key);

	for (size_t i = 0; i < secret_len(key); i++)
		if (at[i] <= ' ' || at[i] > '~')
			return azure_set_cause(
				err, AZURE_ARC_FOREIGN,
				err_set(err, -EINVAL,
					"%s is not a key of Azure Arc: it holds more "
					"than one word",
					path));
	return 0;
}

/* Arc gives a token to a process that can read a file which only local administrators and the group
 * himds can read. */
static int arc_answer(const struct http_reply *reply, struct sbuf *header, struct source *s,
		      struct err *err)
{
	CLEANUP(secret_free_p) struct secret *key = NULL;
	char path[512];
	int r;

	if (auth_param(reply->www_authenticate, "Basic", "realm", path, sizeof(path)) < 0)
		return azure_set_cause(err, AZURE_ARC_FOREIGN,
				       err_set(err, -EPROTO, "Azure Arc names no file to read"));
	r = arc_path_check(path, err);
	if (r < 0)
		return r;
	r = azure_set_cause(
		err, AZURE_ARC_FILE,
		secret_file_read(path, ARC_FILE_MAX, SECRET_FILE_NAMED_TO_US, &key, err));
	if (r == 0)
		r = arc_key_check(key, path, err);
	if (r < 0)
		return r;
	sbuf_text(header, "Basic ");
	sbuf_add(header, secret_bytes(key), secret_len(key));
	field_add(s, "Authorization", sbuf_cstr(header));
	return sbuf_failed(header) ? err_set(err, -ENOMEM, "no space on the secure heap") : 0;
}

/* The sentence names the kind of credential, since credential=auto chooses the managed identity
 * when nothing else is set, also on machines that have none. */
static struct verdict no_answer(const struct source *s, enum http_fault fault, struct err *err)
{
	(void)err_prefix(err, 0, "managed identity, %s", s->name);
	return verdict_of_fault(fault);
}

static struct verdict judge(const struct source *s, const struct http_reply *reply,
			    struct new_token *ret_token, struct err *err)
{
	int r;

	if (reply->status != 200) {
		struct verdict v = token_refuse(reply, s->name, CREDENTIAL_MANAGED, err);

		return (void)err_prefix(err, 0, "managed identity"), v;
	}
	r = token_reply_parse(reply->body, reply->date, ret_token, err);
	if (r == 0)
		return (struct verdict){.outcome = KMS_OK};
	(void)err_prefix(err, r, "managed identity, %s", s->name);
	return verdict_misconfigured();
}

struct verdict managed_fetch(const struct token_request *request, struct new_token *ret_token,
			     struct err *err)
{
	const char *resource = request->challenge->resource;
	CLEANUP(sbuf_fini_p) struct sbuf header = SBUF_EMPTY, body = SBUF_EMPTY, basic = SBUF_EMPTY;
	CLEANUP(source_fini_p) struct source s = {.url = SBUF_EMPTY};
	CLEANUP(http_reply_fini_p) struct http_reply reply = {0};
	enum http_fault fault;

	if (managed_check(request->config, err) < 0)
		return (struct verdict){.outcome = KMS_MISCONFIGURED, .unasked = true};
	source_choose(request->config, resource, &header, &s);
	if (s.post)
		sbuf_form(&body, "resource", resource, strlen(resource));
	fault = send_to(request, &s, &body, &reply, err);
	if (fault == HTTP_ANSWERED && s.arc && reply.status == 401) {
		if (arc_answer(&reply, &basic, &s, err) < 0)
			return verdict_misconfigured();
		http_reply_fini_p(&reply);
		fault = send_to(request, &s, &body, &reply, err);
	}
	return fault == HTTP_ANSWERED ? judge(&s, &reply, ret_token, err)
				      : no_answer(&s, fault, err);
}
