/* fs/policy/scope.h - scopes: the workload and mailbox that a path lies in. */
#ifndef DEPFS_POLICY_SCOPE_H
#define DEPFS_POLICY_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "crypto/header.h"
#include "fs/workload/workload.h"

/*
 * Where a file lies, as far as policies care (fs/README.md, Workloads). Assignment never changes
 * `id` or `name`: a scope is made when its folder is first looked up, and lives as long as its
 * table.
 */
struct scope {
	enum workload workload;
	const char *mailbox;	  /* its id, or NULL: not below mailbox/<id>/ */
	uint8_t id[SCOPE_ID_LEN]; /* goes into headers */
	uint32_t index;		  /* small number, counted from 0 in the order they were made */
	char name[]; /* "mailbox/<id>", "mailbox", "chat", "planner", or "" for the mount's top */
};

struct scope_table;
struct service_key;

int scope_table_new(const struct service_key *sk, struct scope_table **ret_table) MUST_CHECK;
void scope_table_free(struct scope_table *t);
DEFINE_CLEANUP(struct scope_table *, scope_table_free)

const struct scope *scope_root(struct scope_table *t);

/**
 * scope_enter() - the scope of what lies in folder @name, whose own folder lies in @parent
 * Top -> "<name>"; "mailbox" -> "mailbox/<name>"; anything else stays @parent. Thread-safe.
 * Return: 0; -ENOMEM; -EIO.
 */
int scope_enter(struct scope_table *t, const struct scope *parent, const char *name,
		const struct scope **ret_scope) MUST_CHECK;

/* scope_of_path() - by a path relative to the top ("mailbox/u1/x", "chat/y"); the last part is
 * taken as a file. */
int scope_of_path(struct scope_table *t, const char *path,
		  const struct scope **ret_scope) MUST_CHECK;

#endif
