"""fakevault - Azure Key Vault, Entra's token endpoint and the metadata services, as depfs's tests
need them. It shares no code with depfs; what it knows comes from Microsoft's documents, and
Microsoft's own Python SDK runs against it unchanged (tests/mount/azure/sdk.sh).

    errors.py    each error that a vault gives: status, code, inner code, text
    material.py  RSA, EC and AES keys; wrap and unwrap
    world.py     vaults, keys with versions, apps, permissions, the clock
    entra.py     access tokens, who may have one, and the token endpoint
    identity.py  managed identity: IMDS, App Service, Azure Arc
    routes.py    the key operations of a vault as HTTP
    faults.py    what goes wrong when a test says so
    certs.py     a certificate authority made on the fly
    server.py    listeners, one address for each host; the log of all that was sent
    control.py   acts of the control socket
    __main__.py  the command
"""
