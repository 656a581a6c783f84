/* tools/depctl/commands/key_print.h - keys and local vaults as text or JSON, for `depctl key`. */
#ifndef DEPFS_DEPCTL_COMMANDS_KEY_PRINT_H
#define DEPFS_DEPCTL_COMMANDS_KEY_PRINT_H

#include "kms/local/local.h"

#define KEY_DATE_LEN 32
/* key_date_text() - RFC 3339 in UTC; @none for 0. */
const char *key_date_text(int64_t when, const char *none, char out[static KEY_DATE_LEN]);

/*
 * @id: the id that was asked for; if it has a version, @key has that version, and no other version
 * is printed. Nothing that is printed needs JSON escapes: ids cannot hold such characters, and the
 * decoder of a key's record refuses them.
 */
void key_print_text(const struct key_id *id, const struct local_key *key);
void key_print_json(const struct key_id *id, const struct local_key *key);
void key_print_row(const struct key_id *id, const struct local_key *key); /* one line of a list */
void vault_print_text(const struct key_id *id, const struct local_rules *rules, char **keys);
void vault_print_json(const struct key_id *id, const struct local_rules *rules, char **keys);

#endif
