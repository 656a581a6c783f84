/* kms/azure/remedy.c - the table of remedies, by cause, credential and kind of vault. */
#include "kms/azure/remedy_internal.h"

#include <errno.h>
#include <string.h>

#include "kms/azure/hosts_internal.h"

/* Facts that a row may need beside its cause. */
#define KIND(k)	    (1u << (k)) /* of credential */
#define SECRET	    KIND(CREDENTIAL_SECRET)
#define CERTIFICATE KIND(CREDENTIAL_CERTIFICATE)
#define WORKLOAD    KIND(CREDENTIAL_WORKLOAD)
#define MANAGED	    KIND(CREDENTIAL_MANAGED)
#define NONE	    KIND(CREDENTIAL_NONE)
#define TOKEN	    (1u << 8)  /* the token service has failed, not the vault */
#define HSM	    (1u << 9)  /* the vault is a Managed HSM */
#define CLIENT	    (1u << 10) /* AZURE_CLIENT_ID is set */
#define AUTHORITY   (1u << 11) /* AZURE_AUTHORITY_HOST */
#define API_VERSION (1u << 12) /* DEPFS_AZURE_API_VERSION */

#define HSM_ROLE                                                               \
	"give the application the role Managed HSM Crypto Service Encryption " \
	"User on the key, by the HSM's own local RBAC"
#define RIGHTS                                                                              \
	"give the application get, wrapKey and unwrapKey (or the role Key Vault Crypto Ser" \
	"vice Encryption User) on the key"

/* The first row whose cause and facts hold counts. */
static const struct {
	unsigned cause, needs;
	const char *remedy;
} rows[] = {
	/* no answer */
	{HTTP_PROXY, 0,
	 "check the proxy that the variable names, or except the host from it by no_proxy"},
	{HTTP_DNS, TOKEN | MANAGED,
	 "check IDENTITY_ENDPOINT, MSI_ENDPOINT and AZURE_POD_IDENTITY_AUTHORITY_HOST, which the "
	 "platform sets"},
	{HTTP_DNS, TOKEN | AUTHORITY,
	 "check AZURE_AUTHORITY_HOST, or take it away: the vault names its own token service"},
	{HTTP_DNS, TOKEN, "let this machine's DNS resolve the token service's name"},
	{HTTP_CONNECT, TOKEN | MANAGED,
	 "run depfs where there is a managed identity, or set another kind of credential: "
	 "AZURE_TENANT_ID, AZURE_CLIENT_ID, and a secret, a certificate or a cluster's token"},
	{HTTP_CONNECT, TOKEN,
	 "let this machine reach the token service on its port; if it does, try again later"},
	{HTTP_CONNECT, 0, "let this machine reach the vault on its port"},
	{HTTP_TLS, TOKEN | MANAGED, "check the certificate of the identity endpoint, and ca_file="},
	{HTTP_TLS, TOKEN,
	 "name the authority of the token service's certificate by ca_file= if it is a proxy's or "
	 "a private one; else something stands between"},
	{HTTP_TLS, 0,
	 "name the authority of the vault's certificate by ca_file= if it is a proxy's or a "
	 "private one; else something stands between"},
	{HTTP_BROKEN, 0, "try again, and if it lasts, find out what stands between"},
	{HTTP_OWN, 0, "give this process more memory"},
	/* an answer that is no refusal */
	{AZURE_LATER, TOKEN | MANAGED,
	 "try again later; if it lasts, look at the platform's service of identities"},
	{AZURE_LATER, TOKEN, "try again later; if it lasts, look at Microsoft's service health"},
	{AZURE_LATER, 0,
	 "try again later; if it lasts, look at the vault's metrics and at Azure's service health"},
	{AZURE_STRANGE, TOKEN | MANAGED,
	 "what answers there is no identity endpoint: check IDENTITY_ENDPOINT and MSI_ENDPOINT, "
	 "which the platform sets"},
	{AZURE_STRANGE, TOKEN | AUTHORITY,
	 "what answers there is no token service: check AZURE_AUTHORITY_HOST, DNS and what stands "
	 "between"},
	{AZURE_STRANGE, TOKEN,
	 "what answers there is no token service: check DNS, and what stands between, as a portal "
	 "that wants a login"},
	{AZURE_STRANGE, 0,
	 "what answers there is no key vault: check the vault's name, DNS and what stands between"},
	/* a vault refuses */
	{AZURE_REQUEST, API_VERSION,
	 "take DEPFS_AZURE_API_VERSION away: the vault may not know that version"},
	{AZURE_REQUEST, 0,
	 "check that the key is of type RSA or RSA-HSM, and that nothing on the way changes "
	 "requests"},
	{AZURE_TOKEN_REFUSED, 0,
	 "let AZURE_TENANT_ID be the tenant that the vault belongs to, and set this machine's "
	 "clock"},
	{AZURE_NETWORK, 0,
	 "let this machine's address, or its private endpoint, in at the vault's network settings"},
	{AZURE_POLICY, HSM, HSM_ROLE}, /* an HSM has no access policies */
	{AZURE_POLICY, 0,
	 "give the application get, wrapKey and unwrapKey on keys in the vault's access policy"},
	{AZURE_RBAC, HSM, HSM_ROLE},
	{AZURE_RBAC, 0,
	 "give the application the role Key Vault Crypto Service Encryption User on the key (get, "
	 "wrapKey and unwrapKey), and wait some minutes"},
	{AZURE_DENIED, HSM, HSM_ROLE},
	{AZURE_DENIED, 0, RIGHTS},
	{AZURE_VAULT_GONE, 0, "check the vault's name, and recover it if it was deleted"},
	{AZURE_KEY_GONE, 0, "check the key's name, and recover it if it was deleted"},
	{AZURE_KEY_DELETED, 0, "recover the key"},
	{AZURE_KEY_BUSY, 0, "wait until that has ended, and recover the key if it is deleted then"},
	{AZURE_KEY_DISABLED, 0, "enable the newest version of the key"},
	{AZURE_KEY_OPS, 0, "let the key be used for wrapKey and unwrapKey (key_ops)"},
	{AZURE_KEY_DATES, 0, "take the key's activation and expiry dates away"},
	/* a vault's challenge */
	{AZURE_CHALLENGE, 0,
	 "check the vault's name, DNS and what stands between; that no vault asks so"},
	{AZURE_AUTHORITY, 0,
	 "set AZURE_AUTHORITY_HOST to the token service of your cloud if you know that it is the "
	 "one; else something stands between"},
	{AZURE_TENANT, 0, "let AZURE_TENANT_ID be the vault's tenant, or name a vault of yours"},
	/* a credential */
	{AZURE_FILE, NONE, "name another kind by credential= or DEPFS_CREDENTIAL"},
	{AZURE_FILE, SECRET,
	 "write the secret into the file that DEPFS_CLIENT_SECRET_FILE names, with mode 0600 and "
	 "owned by the user who runs depfs"},
	{AZURE_FILE, CERTIFICATE,
	 "let AZURE_CLIENT_CERTIFICATE_PATH name a PEM file with an RSA private key and its "
	 "certificate, with mode 0600 and owned by the user who runs depfs; "
	 "AZURE_CLIENT_CERTIFICATE_PASSWORD opens an encrypted one"},
	{AZURE_FILE, WORKLOAD,
	 "let AZURE_FEDERATED_TOKEN_FILE name the token that the cluster gives: check the pod's "
	 "service account"},
	{AZURE_TOKEN_FILE_OLD, 0,
	 "find out whether the cluster still renews the file that AZURE_FEDERATED_TOKEN_FILE "
	 "names, and set this machine's clock"},
	{AZURE_CREDENTIAL, SECRET,
	 "make the application a new secret in Entra, and check AZURE_TENANT_ID and "
	 "AZURE_CLIENT_ID"},
	{AZURE_CREDENTIAL, CERTIFICATE,
	 "register the certificate with the application in Entra, and check AZURE_TENANT_ID and "
	 "AZURE_CLIENT_ID"},
	{AZURE_CREDENTIAL, WORKLOAD,
	 "give the application a federated credential in Entra for the issuer and subject of the "
	 "cluster's token"},
	{AZURE_CLIENT, 0,
	 "let AZURE_CLIENT_ID be an application in Entra of the tenant AZURE_TENANT_ID"},
	{AZURE_NO_TENANT, 0, "check AZURE_TENANT_ID, and that the tenant lies in this cloud"},
	{AZURE_RESOURCE, 0, "check that the vault and AZURE_TENANT_ID lie in the same cloud"},
	{AZURE_CLOCK, 0, "set this machine's clock"},
	/* a managed identity */
	{AZURE_IDENTITY, CLIENT,
	 "assign the identity AZURE_CLIENT_ID to this machine or service, or take the variable "
	 "away for the system's own"},
	{AZURE_IDENTITY, 0, "assign a managed identity to this machine or service"},
	{AZURE_ENDPOINT, 0, "leave the variable as the platform sets it, or unset it"},
	{AZURE_HEADER, 0,
	 "run depfs with the IDENTITY_HEADER or MSI_SECRET that the platform gives it now"},
	{AZURE_ARC_FILE, 0,
	 "let the user who runs depfs read /var/opt/azcmagent/tokens, as members of the group "
	 "himds can"},
	{AZURE_ARC_FOREIGN, 0,
	 "what answers there is not Azure Arc's agent: check IDENTITY_ENDPOINT, and who set it"},
	{AZURE_SYSTEM_ALONE, 0, "take AZURE_CLIENT_ID away"},
};

static const char *const steps[] = {
	[AZURE_STEP_DNS] = "check the vault's name, /etc/resolv.conf, and the private DNS zone of "
			   "a private endpoint; a vault that was deleted loses its name",
	[AZURE_STEP_TLS] = "let this machine reach the vault on its port, and name the authority "
			   "of its certificate by ca_file= if it is a private one",
	[AZURE_STEP_CREDENTIAL] = "name another kind by credential= or DEPFS_CREDENTIAL",
	[AZURE_STEP_TOKEN] = "check tenant, client and credential in Entra, and that this machine "
			     "reaches the token service",
	[AZURE_STEP_VAULT] = "check the vault's name, and what stands between",
	[AZURE_STEP_KEY] = "check the key's name, and recover it if it was deleted",
	[AZURE_STEP_PERMISSION] = RIGHTS,
};

static unsigned facts_of(const struct azure_config *c, const struct key_id *id,
			 const struct err *why)
{
	char domain[AZURE_DOMAIN_LEN];
	unsigned facts = KIND(c->kind);

	if (why->cause & AZURE_OF_TOKEN)
		facts |= TOKEN;
	if (azure_domain(id->vault, c->domains, domain) && strncmp(domain, "managedhsm.", 11) == 0)
		facts |= HSM;
	if (c->client)
		facts |= CLIENT;
	if (c->authority)
		facts |= AUTHORITY;
	if (c->api_version_is_set)
		facts |= API_VERSION;
	return facts;
}

/* The cause by whose rows the table is searched: some causes share the rows of another. */
static unsigned cause_of(const struct err *why, unsigned facts)
{
	unsigned cause = why->cause & ~AZURE_OF_TOKEN;
	bool by_proxy = http_proxy_variable() && (facts & (TOKEN | MANAGED)) != (TOKEN | MANAGED);

	switch (cause) {
	case HTTP_CONNECT:
	case HTTP_TIMEOUT:
		return by_proxy ? HTTP_PROXY : HTTP_CONNECT;
	case HTTP_TOO_LARGE:
		return AZURE_STRANGE;
	case 0:
		return why->r == -EPROTO ? AZURE_STRANGE : 0;
	default:
		return cause;
	}
}

const char *azure_remedy(const struct azure_config *c, const struct key_id *id,
			 enum azure_step step, const struct err *why)
{
	unsigned facts = facts_of(c, id, why), cause = cause_of(why, facts);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].cause == cause && (rows[i].needs & ~facts) == 0)
			return rows[i].remedy;
	return steps[step];
}
