#!/usr/bin/env python3
"""names.py PAGE MAN RULES DASHBOARD - the metrics a mount shows, the manual page, the alert rules
and the dashboard speak of the same names and labels. Prints what does not hold; status 1 then.
names.py --as-rules DASHBOARD - its queries as recording rules, for promtool check rules."""
import json
import re
import sys

faults = []


def page_families(path):
    """Family -> (type, labels of its samples)."""
    families = {}
    for line in open(path, encoding="utf-8"):
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:4]
            families[name] = (kind, set())
        elif not line.startswith("#"):
            sample, labels = re.match(r"(\w+)\{(.*)\} \S+$", line).groups()
            name = base_of(sample, families)
            families[name][1].update(re.findall(r'(\w+)="(?:[^"\\]|\\.)*"', labels))
    return families


def base_of(name, families):
    """The family of a sample's name; None: there is none."""
    if name in families and families[name][0] != "histogram":
        return name
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return base if base != name and families.get(base, ("",))[0] == "histogram" else None


def check_expr(expr, where, families, documented):
    names = re.findall(r"\bdepfs_\w+", expr)
    for name in names:
        if base_of(name, families) is None:
            faults.append(f"{where}: no mount shows {name}")
    for name, matchers in re.findall(r"\b(depfs_\w+)\{([^}]*)\}", expr):
        labels = families.get(base_of(name, families), ("", set()))[1] or documented
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers):
            if label not in labels:
                faults.append(f"{where}: {name} has no label {label}")
    for group in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expr):
        for label in re.findall(r"\w+", group):
            if label not in documented | {"mount", "le", "instance"}:
                faults.append(f"{where}: there is no label {label}")
    return len(names)


def rule_exprs(path):
    """The expr of each alert: one line, or a block of deeper lines."""
    text = open(path, encoding="utf-8").read()
    for rule in re.split(r"(?m)^      - alert: ", text)[1:]:
        expr = re.search(r"(?m)^        expr: *(?:\|\n((?:          .*\n)+)|(.*)\n)", rule)
        yield rule.split("\n")[0], expr.group(1) or expr.group(2)


def dashboard_exprs(path):
    board = json.load(open(path, encoding="utf-8"))
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]["query"]
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def as_rules(path):
    """The dashboard's queries as recording rules, so that promtool looks at their syntax."""
    print("groups:\n  - name: dashboard\n    rules:")
    for number, (_, expr) in enumerate(dashboard_exprs(path)):
        for variable in ("$__rate_interval", "$__interval"):
            expr = expr.replace(variable, "5m")
        if not expr.startswith("label_values("):
            print(f"      - record: query:{number}\n        expr: {json.dumps(expr)}")


def main():
    if sys.argv[1] == "--as-rules":
        as_rules(sys.argv[2])
        return False
    page, man, rules, board = sys.argv[1:]
    families = page_families(page)
    text = open(man, encoding="utf-8").read()
    described = set(re.findall(r"\bdepfs_\w+", " ".join(re.findall(r"(?m)^\.It Ic (.*)", text))))
    documented = set(re.findall(r"(?m)^\.Cm (\w+)", text)) | {"policy"}
    for name in sorted(described ^ set(families)):
        faults.append(f"{name} is only in {'the page' if name in families else 'the manual'}")
    for name, (_, labels) in families.items():
        for label in sorted(labels - documented - {"mount", "le"}):
            faults.append(f"label {label} of {name} is not in the manual")
    used = 0
    for source in (rule_exprs(rules), dashboard_exprs(board)):
        for where, expr in source:
            used += check_expr(expr, where, families, documented)
    if len(families) < 40 or used < 50:
        faults.append(f"only {len(families)} families and {used} uses were found")
    print("\n".join(faults) or f"{len(families)} families, {used} uses")
    return bool(faults)


sys.exit(main())
