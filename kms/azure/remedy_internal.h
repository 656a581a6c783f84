/* kms/azure/remedy_internal.h - what an administrator can do about a call that failed. */
#ifndef DEPFS_KMS_AZURE_REMEDY_INTERNAL_H
#define DEPFS_KMS_AZURE_REMEDY_INTERNAL_H

#include "kms/azure/cause_internal.h"
#include "kms/azure/config_internal.h"
#include "kms/azure/diagnose.h"

/**
 * azure_remedy() - what to do when @step of the way to @id failed with the sentence @why
 * The remedy depends on the cause, the kind of credential and the kind of vault; where the table
 * has no row for these, on the step.
 * Return: a sentence without its full stop, never NULL; static.
 */
const char *azure_remedy(const struct azure_config *c, const struct key_id *id,
			 enum azure_step step, const struct err *why);

#endif
