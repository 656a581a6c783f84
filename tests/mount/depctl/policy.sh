#!/usr/bin/env bash
# depctl/policy: each act on a policy reports what it did, and the policy shows it, by name and id.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
depfs_start_policies

says_line "$(printf 'NAME  KIND  STATE  PROVED  ENABLED  ASSIGNED  MAILBOXES  GENERATION  ID')" depctl policy list

says "policy EUR Policy created" depctl policy create "EUR Policy" $K1 $K2 --description "for Europe"
says "policy Board created" depctl policy create --kind mailbox Board $K1 $K2
id=$(policy_id "EUR Policy")
for p in "EUR Policy" "eur POLICY" "$id" "${id^^}"; do
	says "id: $id" depctl policy show "$p"
done
says "description: for Europe" depctl policy show "$id"
says "kind: multi-workload" depctl policy show "$id"
says "kind: mailbox" depctl policy show board
says "state: ready" depctl policy show board
says "EUR Policy  multi-workload  ready  yes" policies
assert_match "$(depctl policy list)" "EUR Policy  multi-workload  ready  [0-9]+ s +yes"

says_line "policy EUR Policy described" depctl policy describe "eur policy" "another text"
says "description: another text" depctl policy show "$id"
says_line "policy EUR Policy described" depctl policy describe "$id" ""
assert_eq "$(depctl policy show "$id" | sed -n 's/^description://p')" " " description

says_line "policy EUR Policy is disabled" depctl policy disable "$id"
says "state: disabled" depctl policy show "$id"
says_line "policy EUR Policy is enabled" depctl policy enable "$id"
says "state: ready" depctl policy show "$id"

says_line "policy EUR Policy is now named Europe" depctl policy rename "eur policy" Europe
says "name: Europe" depctl policy show "$id"
says_line "policy Europe is now named EUROPE" depctl policy rename Europe EUROPE # only its case
says "name: EUROPE" depctl policy show europe

says "key 1 unwrap: ok" depctl policy check "$id"
before=$(depctl policy show "$id" | sed -n 's/^key 1 version: //p')
vault rotate $K1 >/dev/null
assert_eq "$(depctl policy show "$id" | sed -n 's/^key 1 version: //p')" "$before" "version before refresh"
says "policy EUROPE refreshed: key 1 version $before -> " depctl policy refresh "$id"
assert_ne "$(depctl policy show "$id" | sed -n 's/^key 1 version: //p')" "$before" "version after refresh"

vault create "$(key_at v1 other)" >/dev/null
says "policy EUROPE" depctl policy replace-keys "$id" "$(key_at v1 other)" $K2
says "key 1: $(key_at v1 other)" depctl policy show "$id"

# a name that begins with a dash, and one that holds letters of other scripts
says "created" depctl policy create -- --kind $K1 $K2
says "name: --kind" depctl policy show -- --kind
says "created" depctl policy create "Büro 本社" $K1 $K2
says "name: Büro 本社" depctl policy show "Büro 本社"
