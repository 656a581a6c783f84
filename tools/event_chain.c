#include "tools/event_chain.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "crypto/bytes.h"
#include "tools/out.h"

#define HASH_MARK ",\"hash\":\""

void event_chain_init(struct event_chain *chain)
{
	*chain = (struct event_chain){0};
	memset(chain->prev, '0', 2 * SHA256_LEN);
}

static int broken(const struct event_chain *chain, const char *what, struct err *err)
{
	return err_set(err, -EBADMSG, "record %" PRIu64 " does not verify: %s", chain->verified + 1,
		       what);
}

/* The mark's last place: a field's own text cannot hold it, since JSON escapes its quotes. */
static const char *find_mark(const char *line)
{
	const char *found = NULL;

	for (const char *at = line; (at = strstr(at, HASH_MARK)); at++)
		found = at;
	return found;
}

static int hash_of(const char *line, size_t len, char ret_hex[static 2 * SHA256_LEN + 1])
{
	const struct kdf_part part = {line, len};
	uint8_t hash[SHA256_LEN];
	int r = sha256(&part, 1, hash);

	if (r == 0)
		hex_encode(hash, SHA256_LEN, ret_hex);
	return r;
}

static int check_fields(const struct event_chain *chain, json_t *event, struct err *err)
{
	const char *prev = json_string_value(json_object_get(event, "prev"));
	json_int_t seq = json_integer_value(json_object_get(event, "seq"));

	if (seq != (json_int_t)(chain->verified + 1))
		return broken(chain, "its sequence number is not the next", err);
	if (!prev || strcmp(prev, chain->prev) != 0)
		return broken(chain, "it does not name the hash of the record before", err);
	return 0;
}

int event_chain_check(struct event_chain *chain, const char *line, struct err *err)
{
	CLEANUP(json_decref_p) json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	const char *mark = find_mark(line);
	char hex[2 * SHA256_LEN + 1];
	int r;

	if (!event || !mark)
		return broken(chain, "it is no event", err);
	if (strlen(mark) != strlen(HASH_MARK) + 2 * SHA256_LEN + 2 ||
	    strcmp(mark + strlen(HASH_MARK) + 2 * SHA256_LEN, "\"}") != 0)
		return broken(chain, "its hash is not its last field", err);
	r = hash_of(line, (size_t)(mark - line), hex);
	if (r < 0)
		return err_set(err, r, "SHA-256 failed");
	if (strncmp(mark + strlen(HASH_MARK), hex, 2 * SHA256_LEN) != 0)
		return broken(chain, "its hash is not that of its text", err);
	r = check_fields(chain, event, err);
	if (r < 0)
		return r;
	memcpy(chain->prev, hex, sizeof(chain->prev));
	chain->verified++;
	return 0;
}
