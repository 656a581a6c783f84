#!/usr/bin/env bash
# depctl/coverage: the last scan has the same numbers as bars, as JSON and as a page; the page needs nothing beside itself, names cannot put markup into it, and every bar has its numbers as text.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
. "$LIB/depctl.sh"
depfs_start_policies
name='R&D <script>"x"'
policy_create "$name"
mkdir -p "$MNT"/mailbox/{a,b} "$MNT"/{chat,planner}
echo old >"$MNT/chat/old"
depctl assign "$name" >/dev/null
job_done
for i in 1 2 3; do
	printf '%01000d' 0 >"$MNT/mailbox/a/$i"
	echo new >"$MNT/chat/new$i"
done
sync -f "$MNT"

# without a scan it makes one, and then it uses that one
depctl coverage >"$WORK/text" 2>/dev/null
assert_match "$(cat "$WORK/text")" "counted 20.*: 7 files, 2.9 KiB, in 2 mailboxes"
assert_match "$(cat "$WORK/text")" "#{30}\.{10}  75.0%  R&D <script>\"x\", generation 1: 3 files, 12 B"
assert_match "$(cat "$WORK/text")" "#{10}\.{30}  25.0%  service key: 1 file, 4 B"
scan=$(newest_job)
echo more >"$MNT/planner/more"
depctl coverage >/dev/null
assert_eq "$(newest_job)" "$scan" "no other scan"
json_holds 'j["files"] == 7 and j["bytes"] == 3016 and j["mailboxes"] == 2 and j["unreadable"] == 0' depctl --json coverage
json_holds '[w["files"] for w in j["workloads"]] == [3, 0, 4, 0, 0]' depctl --json coverage
json_holds '[(k["policy"] or "-") + str(k["generation"]) for k in j["workloads"][2]["keys"]] ==
	["-None", "R&D <script>\"x\"1"]' depctl --json coverage
json_holds 'j["files"] == 8 and j["workloads"][4]["bytes"] == 5' depctl --json coverage --scan

says "page.html written" depctl coverage --html "$WORK/page.html"
python3 - "$WORK/page.html" "$name" "$K1" "$K2" <<'PY' || fail "the page is not as it should be"
import html.parser, re, sys
text, name = open(sys.argv[1], encoding='utf-8').read(), sys.argv[2]
keys = '|'.join(re.escape(key) + '[^<]*' for key in sys.argv[3:])
alone = {'meta', 'br', 'img', 'link', 'input', 'hr'}
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen, self.bars, self.words = [], set(), [], []
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        assert tag not in ('script', 'link', 'img', 'iframe', 'object', 'form', 'a', 'svg'), tag
        for key, value in attrs.items():
            assert key not in ('src', 'href', 'srcset', 'action') and not key.startswith('on'), key
            assert 'url(' not in (value or ''), value
        if tag == 'html':
            assert attrs['lang'] == 'en'
        if tag == 'th':
            assert attrs['scope'] in ('col', 'row')
        if attrs.get('role') == 'img':
            self.bars.append(attrs['aria-label'])
        self.seen.add(tag)
        if tag not in alone:
            self.open.append(tag)
    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag
    def handle_data(self, data):
        self.words.append(data)
page = Page()
page.feed(text)
page.close()
assert not page.open, page.open
assert {'title', 'main', 'h1', 'h2', 'table', 'caption', 'thead', 'style'} <= page.seen
assert not re.search(r'https?:|//|@import|url\(', re.sub(keys, '', text)), 'a link'
assert 'prefers-color-scheme: dark' in text and '@media print' in text
assert page.bars == [f'mailbox: 100.0% {name}, generation 1',
                     f'chat: 25.0% service key; 75.0% {name}, generation 1', 'other: 100.0% service key'], page.bars
shown = ' '.join(page.words)
for part in (name, '75.0%', '25.0%', sys.argv[3], 'service key (no policy)', 'ready'):
    assert part in shown, part
PY
refused 1 "cannot be written" depctl coverage --html "$WORK/none/page.html"
refused 2 "no such option" depctl coverage --bars
refused 2 "is too much" depctl coverage x y

refused 2 "takes no argument" depctl scan now
depfs_umount
