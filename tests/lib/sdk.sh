# tests/lib/sdk.sh - Microsoft's Python SDK in a throw-away environment of the test's own folder.
# shellcheck shell=bash

SDK_DIR=$TOP/tests/mount/azure

# sdk_install - outside the test's network namespace, which reaches no package index
sdk_install()
{
	"$PYTHON" -m venv "$WORK/venv" >"$WORK/venv.out" 2>&1 || skip "python3-venv is not installed"
	nsenter --net="/proc/$PPID/ns/net" --mount="/proc/$PPID/ns/mnt" \
		env -u SSL_CERT_FILE -u REQUESTS_CA_BUNDLE "$WORK/venv/bin/pip" install --no-input \
		-r "$SDK_DIR/requirements.txt" >>"$WORK/venv.out" 2>&1 ||
		skip "Microsoft's SDK could not be installed: $(tail -n 1 "$WORK/venv.out")"
}

sdk() # ACT ... - an act of sdk.py
{
	"$WORK/venv/bin/python" "$SDK_DIR/sdk.py" "$@"
}
