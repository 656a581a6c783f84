/* tools/depctl/subcommands.c - the one table of subcommands and cmdlets. */
#include "tools/depctl/subcommands.h"

#include "tools/depctl/cmdlets/cmdlets.h"
#include "tools/depctl/commands/commands.h"

#define CMDLET "M365DataAtRestEncryptionPolicy"

/*
 * To add a subcommand: write tools/depctl/commands/NAME.c with its cmd_NAME(), declare that in
 * commands.h, and add a row here for each way to type it. main(), --help, `depctl help` and usage
 * errors go by this table alone. A second word ("job list") has its row here and in the table of
 * verbs at the end of its command's file. A cmdlet's file is in tools/depctl/cmdlets/. The page
 * man/depctl.1 and tools/completion/depctl.bash name each command too;
 * tests/unit/test_tools_subcommands fails while one of them does not.
 */
const struct cmd_row subcommands[] = {
	{"status", cmd_status, "", "how the mount and its policies are"},
	{"policy list", cmd_policy, "", "all policies"},
	{"policy show", cmd_policy, "P", "one policy: state, keys, versions, last outcomes"},
	{"policy create", cmd_policy, "NAME KEY1 KEY2 [--kind mailbox] [--description TEXT]",
	 "make a policy of two root keys in two vaults"},
	{"policy enable", cmd_policy, "P", "let it be assigned"},
	{"policy disable", cmd_policy, "P",
	 "let it no longer be assigned; what is under it stays readable"},
	{"policy refresh", cmd_policy, "P", "take the newest version of both root keys"},
	{"policy rotate", cmd_policy, "P",
	 "new generation of its key; a job re-wraps what is under older ones"},
	{"policy check", cmd_policy, "P", "check both root keys; changes nothing"},
	{"policy purge", cmd_policy, "P --reason TEXT --contact TEXT --confirm ID",
	 "destroy the key of a mailbox policy that both vaults deny: unreadable for good"},
	{"policy remove", cmd_policy, "P [--force]",
	 "a policy without files goes; its keys stay for backups, unless by force"},
	{"policy rename", cmd_policy, "P NEW", "give it another name"},
	{"policy describe", cmd_policy, "P TEXT", "give it another description"},
	{"policy replace-keys", cmd_policy, "P KEY1 KEY2", "give it other root keys"},
	{"assign", cmd_assign, "P", "make it the tenant's policy"},
	{"unassign", cmd_unassign, "", "leave the tenant without a policy"},
	{"assignment", cmd_assignment, "", "which policy the tenant has"},
	{"mailbox assign", cmd_mailbox, "ID P", "give a mailbox a policy of its own"},
	{"mailbox unassign", cmd_mailbox, "ID", "let the mailbox fall to the tenant's policy"},
	{"mailbox show", cmd_mailbox, "ID", "the policy in force, and where it comes from"},
	{"mailbox list", cmd_mailbox, "", "all mailboxes with the policy in force"},
	{"job list", cmd_job, "", "re-wrapping of existing files: all jobs"},
	{"job show", cmd_job, "N", "one job: state, counts, rate, time left"},
	{"job watch", cmd_job, "N", "follow it until it ends"},
	{"job failed", cmd_job, "N", "the files it could not do, and why"},
	{"job pause", cmd_job, "N", "let it rest"},
	{"job resume", cmd_job, "N", "let it go on"},
	{"job cancel", cmd_job, "N", "end it; what is done stays done"},
	{"job retry", cmd_job, "N", "once more, for what is still to do"},
	{"job rate", cmd_job, "N FILES_PER_S", "no faster than this; 0: as fast as it can"},
	{"renew", cmd_renew, "PATH",
	 "fresh data keys for a file of the mount, or all below a folder"},
	{"scan", cmd_scan, "", "count all files by policy and generation: a job"},
	{"coverage", cmd_coverage, "[--scan] [--html FILE] [PATH]",
	 "what is protected by what, as bars, from the last count, or below PATH now; FILE: a page "
	 "for an auditor"},
	{"events", cmd_events, "[-f]", "the audit log; -f follows it"},
	{"events --verify", cmd_events, "[--key HEX] [--service-key file:PATH] [STORE | FILE...]",
	 "prove the log of the mount, of a store, or in files: chain and signatures"},
	{"inspect", cmd_inspect, "FILE", "the header of a ciphertext file; needs no key"},
	{"key create", cmd_key,
	 "URI [--size BITS] [--type rsa|ec] [--ops LIST] [--expires DATE] [--not-before DATE] "
	 "[--purgeable]",
	 "make a root key in a local vault, and the vault"},
	{"key list", cmd_key, "[local://VAULT]", "vaults, or the keys of one"},
	{"key show", cmd_key, "URI", "one key and its versions, or a vault; in Azure too"},
	{"key check", cmd_key, "URI", "whether it is fit to be a root key; changes nothing"},
	{"key rotate", cmd_key, "URI", "add a version"},
	{"key enable", cmd_key, "URI", "let a key or one version of it be used"},
	{"key disable", cmd_key, "URI", "let it no longer be used"},
	{"key deny", cmd_key, "URI [--ops LIST] [OPERATION...]",
	 "take get, wrapKey, unwrapKey away"},
	{"key allow", cmd_key, "URI [--ops LIST] [OPERATION...]", "give them back"},
	{"key delete", cmd_key, "URI", "delete softly"},
	{"key recover", cmd_key, "URI", "bring a deleted key back"},
	{"key fault", cmd_key, "URI transient|damaged|not-found|denied|none [MS] | URI slow MS",
	 "provoke an outcome, to try out what happens"},
	{"doctor", cmd_doctor, "URI",
	 "the way to a key in Azure, step by step: name, TLS, credential, token, vault, key, "
	 "permission"},
	{"help", cmd_help, "[COMMAND...]", "this text, or that of one command"},
	{"New-" CMDLET, cmdlet_new,
	 "-Name N -AzureKeyIDs A,B [-Description T] [-Enabled $false] [-WhatIf] [-Confirm]",
	 "policy create, in the words of Customer Key"},
	{"Set-" CMDLET, cmdlet_set,
	 "-Identity P [-Name N] [-Description T] [-Enabled $true|$false] [-Refresh | -Replace "
	 "-AzureKeyIDs A,B] [-WhatIf] [-Confirm]",
	 "change a policy"},
	{"Get-" CMDLET, cmdlet_get, "[-Identity P]", "policies as objects"},
	{"Set-" CMDLET "Assignment", cmdlet_set_assignment,
	 "-DataEncryptionPolicy P [-WhatIf] [-Confirm]", "assign"},
	{"Get-" CMDLET "Assignment", cmdlet_get_assignment, "", "assignment"},
	{"New-DataEncryptionPolicy", cmdlet_new,
	 "-Name N -AzureKeyIDs A,B [-Description T] [-Enabled $false] [-WhatIf] [-Confirm]",
	 "policy create --kind mailbox, in the words of Customer Key"},
	{"Set-DataEncryptionPolicy", cmdlet_set_mailbox_policy,
	 "-Identity P [-Name N] [-Description T] [-Enabled $true|$false] [-Refresh | -Replace "
	 "-AzureKeyIDs A,B | -PermanentDataPurgeRequested -PermanentDataPurgeReason T "
	 "-PermanentDataPurgeContact T] [-WhatIf] [-Confirm]",
	 "change a mailbox policy, or purge it"},
	{"Get-DataEncryptionPolicy", cmdlet_get, "[-Identity P]", "mailbox policies as objects"},
	{"Set-Mailbox", cmdlet_set_mailbox,
	 "-Identity ID -DataEncryptionPolicy P|$null [-WhatIf] [-Confirm]", "mailbox assign"},
};

const size_t n_subcommands = sizeof(subcommands) / sizeof(subcommands[0]);
