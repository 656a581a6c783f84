# tests/lib/depctl.sh - claims about what depctl says; sourced by tests/mount/depctl/ after lib.sh.
# shellcheck shell=bash

# refused CODE SENTENCE COMMAND... - ends with that code, says "depctl: ... SENTENCE ..." in the
# first line on stderr, and nothing on stdout
refused()
{
	local code=$1 sentence=$2 r=0 first

	shift 2
	"$@" >"$WORK/out" 2>"$WORK/err" </dev/null || r=$?
	first=$(head -n 1 "$WORK/err")
	[ "$r" = "$code" ] || fail "exit status $r, wanted $code: $*: $first"
	[[ $first == "depctl: "*"$sentence"* ]] || fail "'$*' should say '$sentence' but says: $first"
	[ ! -s "$WORK/out" ] || fail "'$*' was refused but prints: $(cat "$WORK/out")"
	if [ "$code" = 2 ]; then
		grep -q '^usage: depctl' "$WORK/err" || fail "'$*' should show how it is typed"
	fi
}

# policies - the table of all, without the age of each proof
policies()
{
	depctl policy list | sed -E 's/  +(-|never|[0-9]+ (s|min|h|d))  +/  /'
}

# says TEXT COMMAND... - succeeds, and stdout holds the text
says()
{
	local text=$1 out

	shift
	out=$("$@" </dev/null) || fail "failed: $*"
	[[ $out == *"$text"* ]] || fail "'$*' should say '$text' but says: $out"
}

# says_line TEXT COMMAND... - the same, and the text is all there is: one line
says_line()
{
	local text=$1 out

	shift
	out=$("$@" </dev/null) || fail "failed: $*"
	[ "$out" = "$text" ] || fail "'$*' should say '$text' but says: $out"
}

# json_holds EXPRESSION COMMAND... - succeeds, stdout is one JSON value j, and the expression is true
json_holds()
{
	local expression=$1 out

	shift
	out=$("$@" </dev/null) || fail "failed: $*"
	python3 -c '
import json, sys
j = json.loads(sys.argv[2])
sys.exit(0 if eval("(" + sys.argv[1] + ")") else 1)' "$expression" "$out" ||
		fail "'$expression' does not hold for '$*': $out"
}
