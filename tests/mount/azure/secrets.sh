#!/usr/bin/env bash
# azure/secrets: after its calls, no token, credential, assertion or DEP key lies in the daemon's
# memory outside the locked heap, in its environment, arguments, logs, events or the table of mounts.
# builds: release
VAULTS_KIND=azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
MARK=MARKED-TOKEN.0123456789-abcdefghijklmnopqrstuvwxyz_END
# seek MODE - looks for what the fake was sent, and for the DEP key
seek()
{
	PYTHONPATH=$LIB:$TOP/tests/mount/secrets:$TOP/tests/format "$PYTHON" - "$DAEMON_PID" "$1" "$MARK" <<'END'
import json, os, sys
from urllib.parse import parse_qs
import seek

secrets = {'the client secret': b'fake~SECRET-of.the-default_app',
           'the token that was of no use': sys.argv[3].encode(), 'its end': sys.argv[3][-24:].encode()}
with open(os.environ['FAKEVAULT_DIR'] + '/requests.jsonl', encoding='utf-8') as f:
    for number, line in enumerate(f):
        entry = json.loads(line)
        if 'authorization' in entry['headers']:
            token = entry['headers']['authorization'].split()[1]
            secrets[f'token of request {number}'] = token.encode()
            secrets[f'end of the token of request {number}'] = token[-40:].encode()
        form = parse_qs(entry['body'])
        if 'client_assertion' in form:
            secrets[f'assertion of request {number}'] = form['client_assertion'][0][-60:].encode()
import reader
store = reader.Store(os.environ['STORE'], os.environ['KEY'])
import base64
for policy, generation in store.keys:
    key = store.dep_key(policy, generation)
    secrets['DEP key'] = key
    secrets['DEP key in hexadecimal'] = key.hex().encode()
    secrets['DEP key in base64url'] = base64.urlsafe_b64encode(key).rstrip(b'=')
if os.environ.get('AZURE_CLIENT_CERTIFICATE_PATH'):
    with open(os.environ['AZURE_CLIENT_CERTIFICATE_PATH'], 'rb') as f:
        lines = f.read().splitlines()
    for i in range(1, 20):
        secrets[f'line {i} of the certificate\'s key'] = lines[i]
seek.search(seek.swappable(int(sys.argv[1])), secrets, b'/store')
for name in ('environ', 'cmdline'):
    with open(f'/proc/{sys.argv[1]}/{name}', 'rb') as f:
        data = f.read()
    for what, secret in secrets.items():
        assert secret not in data, f'{what} in /proc/PID/{name}'
for path in sys.argv[2].split(':'):
    with open(path, 'rb') as f:
        data = f.read()
    for what, secret in secrets.items():
        assert secret not in data, f'{what} in {path}'
END
}

export STORE KEY SSLKEYLOGFILE=$WORK/tls-keys # with these, recorded TLS traffic can be decrypted
depfs_start_policies key_check=1
policy_create P
control assignment P
mkdir -p "$MNT/mailbox/anna"
echo mail >"$MNT/mailbox/anna/1"
LOGS=$LOG:$MNT/.depfs/events:$MNT/.depfs/error_log:$MNT/.depfs/status:/proc/self/mounts
sync -f "$MNT"
assert_ne "$(fake calls authenticated=True)" 0
seek "$LOGS"
# failures go other ways: a refused secret, an unusable answer, a token that ran out
fake fault "$V1" '*' text 'no JSON' count=2
control policies/P/check 1 2>/dev/null || true
fake clock 7200
control policies/P/check 1
fake fault "$LOGIN" token oauth invalid_client
fake clock 7200
control policies/P/check 1 2>/dev/null || true
fake lift
# an answer with a token in it that is of no use, and one that is cut off within the key
unusable() # WORDS FAULT... - what a check says of it
{
	sleep 0.6 # so long a failed token is everybody's
	fake fault "${@:2}"
	fake clock 7200
	control policies/P/check 1 2>/dev/null || true
	fake lift
	assert_match "$(cat "$MNT/.depfs/policies/P/check")" "key 1 recorded copy: [a-z]+, .*$1" "$2"
}
unusable "not of type Bearer" "$LOGIN" token edit \
	"{\"access_token\":\"$MARK\",\"token_type\":\"mac\"}"
unusable "larger than" "$LOGIN" token edit \
	"{\"access_token\":\"$MARK\",\"filler\":\"$(printf 'x%.0s' {1..70000})\"}"
unusable "cut short" "$V1" unwrap cut 300
seek "$LOGS"
assert_eq "$(cat "$SSLKEYLOGFILE" 2>/dev/null)" "" "keys of the daemon's TLS"
assert_match "$(grep 'core file' "/proc/$DAEMON_PID/limits")" " 0 +0 "

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/key.pem" -subj /CN=app -days 2 \
	-out "$WORK/app.pem" 2>/dev/null
(umask 077 && cat "$WORK/key.pem" "$WORK/app.pem" >"$WORK/cert.pem")
fake app "$TENANT" "$CLIENT" certificate="$WORK/app.pem"
unset AZURE_CLIENT_SECRET
export AZURE_CLIENT_CERTIFICATE_PATH=$WORK/cert.pem
depfs_remount key_check=1
cat "$MNT/mailbox/anna/1" >/dev/null
assert_match "$(fake log act=token | tail -n 1)" "client_assertion"
seek "$LOGS"
depfs_umount
