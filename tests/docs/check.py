#!/usr/bin/env python3
"""Checks that what the library offers is documented, and that what is documented is so.

    check.py MANDIR [CHECK ...]    MANDIR: where make puts kfk-config.5 and kfk-errors.7; all checks, or these
    check.py --self-test

config      each property of the table has an entry in kfk-config(5), with a text and a default
errors      each KFK_ERR_ constant of the headers has an entry in kfk-errors(7), with a meaning and a remedy
symbols     each function of the headers is exported by lib/libkfk.map, and the other way round, and has an entry in a
            page of man/ (.Nm in NAME, .Fn or .Fo in SYNOPSIS)
signatures  functions and structs in man/*.3 are as in the headers
names       constants, properties and pages that man/*.[137] mention exist
metrics     each metric of the tables in lib/ has an entry in kfk_metrics(3) with its kind and unit, and the other way
            round
options     kfk(1) has the options that the commands in tools/kfk take, and no others
code        what man/*.3 and README.md show of C compiles
pages       mandoc finds no fault in any page

Run from the top of the tree. The last line adds up. Python 3, standard library only.
"""
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def entries(page):
    """The .It entries of a page: the first word after the macro, and the lines of text under it."""
    found = {}
    for block in re.split(r"^\.It ", page, flags=re.M)[1:]:
        first, _, rest = block.partition("\n")
        name = first.split()[1].replace("\\-", "-") if len(first.split()) > 1 else first
        text = [line for line in rest.split("\n.El")[0].split("\n") if line and not line.startswith(".")]
        found[name] = text
    return found


def check_config(tables, page):
    found = entries(page)
    names = [n for t in tables for n in re.findall(r'^PROPERTY\(\w+,\s*"([^"]+)"', t, re.M)]
    for name in names:
        if name not in found:
            yield "%s has no entry in kfk-config(5)" % name
        elif len(found[name]) < 2 or not any(line.startswith("Default: ") for line in found[name]):
            yield "%s: its entry in kfk-config(5) lacks a text or a default" % name
    if not names:
        yield "there are no properties"


def check_errors(headers, page):
    found = entries(page)
    names = sorted(set(re.findall(r"\b(KFK_ERR_\w+) = -?\d+", "\n".join(headers))))
    for name in names:
        if name not in found:
            yield "%s has no entry in kfk-errors(7)" % name
        elif len([line for line in found[name] if line.endswith(".")]) < 2:
            yield "%s: its entry in kfk-errors(7) lacks a meaning or a remedy" % name
    if not names:
        yield "there are no error codes"


def check_metrics(sources, page):
    row = r'\{\s*"(kfk_\w+)",\s*"(\w+)",(?:\s*"(?:[^"\\]|\\.)*")+,\s*KFK_(COUNTER|GAUGE|HISTOGRAM)\b'
    rows = {name: "%s, %s" % (kind.lower(), unit) for s in sources for name, unit, kind in re.findall(row, s)}
    told = dict(re.findall(r"^\.It Va (kfk_\w+) Pq (.*)", page, re.M))
    for name in sorted(set(rows) | set(told)):
        if name not in told:
            yield "%s has no entry in kfk_metrics(3)" % name
        elif name not in rows:
            yield "%s is in kfk_metrics(3), but in no table" % name
        elif told[name] != rows[name]:
            yield "%s is a %s, and not a %s" % (name, rows[name], told[name])
        elif told[name].startswith("counter") != name.endswith("_total"):
            yield "%s: counters, and they alone, end with _total" % name
    if not rows:
        yield "there are no metrics"


def check_symbols(headers, exports, pages):
    declared = set()
    for text in headers:
        declared |= set(re.findall(r"KFK_API\b[^;]*?\b(kfk_\w+)\(", re.sub(r"/\*.*?\*/", "", text, flags=re.S)))
    exported = set(re.findall(r"\b(kfk_\w+);", exports))
    documented = set()
    for page in pages:
        documented |= set(re.findall(r"^\.(?:Nm|Fn|Fo) (kfk_\w+)", page, re.M))
    for name in sorted(declared - exported):
        yield "%s is in the headers, but lib/libkfk.map does not export it" % name
    for name in sorted(exported - declared):
        yield "%s is exported by lib/libkfk.map, but in no header" % name
    for name in sorted((declared | exported) - documented):
        yield "%s has no entry in a page of man/" % name
    if not declared:
        yield "there are no symbols"


def uncomment(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def squeeze(c):
    """C in one form: one blank between words, none elsewhere."""
    return re.sub(r"\s*([^\w\s])\s*", r"\1", " ".join(c.split()))


def members(body):
    """The members of a struct, each alone: "int a, b" is two."""
    found = []
    for one in filter(None, (squeeze(m) for m in body.split(";"))):
        first, *more = one.split(",") if "(" not in one else [one]
        found.append(first)
        found += [squeeze(re.sub(r"\w+$", name, first)) for name in more]
    return found


def declarations(text):
    """name: what it is, of the functions (as "type name(args)") and structs in a header."""
    text = uncomment(text)
    found = {name: members(body) for body, name in re.findall(r"typedef struct \w+ \{(.*?)\} (\w+);", text, re.S)}
    for first, name, args in re.findall(r"KFK_API\b([^;()]*?)\b(kfk_\w+)\(([^;]*?)\);", text, re.S):
        found[name] = "%s(%s)" % (squeeze(first + " " + name), squeeze(args))
    return found


def synopsis(page):
    """(name, "type name(args)") of each function in a page."""
    kind, name, args = None, None, []
    for line in page.split("\n"):
        words = shlex.split(line[4:]) if line[:4] in (".Ft ", ".Fn ", ".Fo ", ".Fa ") else []
        if line.startswith(".Sh DESCRIPTION"):
            return
        if line.startswith(".Ft "):
            kind = words[0]
        elif line.startswith((".Fn ", ".Fo ")):
            name, args = words[0], words[1:]
        elif line.startswith(".Fa "):
            args += words
        if name and (line.startswith(".Fn ") or line == ".Fc"):
            yield name, "%s(%s)" % (squeeze(kind + " " + name), squeeze(", ".join(args)))
            name = None


def literals(page):
    """The literal displays of a page, as they are printed, each with the section that it is in."""
    for section in re.split(r"^\.Sh ", page, flags=re.M)[1:]:
        for block in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", section, re.M | re.S):
            yield section.partition("\n")[0], block.replace("\\e", "\\").replace("\\-", "-")


def check_signatures(headers, pages):
    known = declarations("\n".join(headers))
    for path, page in pages:
        shown = list(synopsis(page))
        for _, block in literals(page):
            shown += [(n, members(b)) for b, n in re.findall(r"typedef struct \w+ \{(.*?)\} (\w+);", block, re.S)]
        for name, what in shown:
            if known.get(name) != what:
                yield "%s: %s is not as in the headers: %s" % (path, name, what)


def check_names(headers, tables, pages):
    text = "\n".join(headers)
    known = set(re.findall(r"\bKFK_\w+", text))
    properties = {n for t in tables for n in re.findall(r'^PROPERTY\(\w+,\s*"([^"]+)"', t, re.M)}
    have = {os.path.basename(path) for path, _ in pages} | {"kfk-config.5", "kfk-errors.7"}
    heads = {p.partition(".")[0] for p in properties}
    have |= {n + ".3" for _, page in pages for n in re.findall(r"^\.Nm (kfk_\w+)", page, re.M)}
    for path, page in pages:
        for name in sorted(set(re.findall(r"\bKFK_[A-Z]\w+", re.sub(r"^\.Dt .*", "", page, flags=re.M))) - known):
            yield "%s: there is no %s" % (path, name)
        for line in re.findall(r"^\.Ic (.*)", page, re.M):
            for name in re.findall(r"[a-z]+(?:\.[a-z0-9]+)+", line):
                if path.endswith(".3") and name.partition(".")[0] in heads - {"message"} and name not in properties:
                    yield "%s: there is no property %s" % (path, name)
        for name, section in re.findall(r"^\.Xr (kfk[\w-]*) (\d)", page, re.M):
            if "%s.%s" % (name, section) not in have:
                yield "%s: there is no %s(%s)" % (path, name, section)


def check_options(page, commands):
    """commands: (name, source) of each."""
    sections = dict(re.findall(r"^\.Ss kfk ([a-z ]+)\n(.*?)(?=^\.S[sh] )", page, re.M | re.S))
    for name, source in commands:
        table = source.partition("options[] = {")[2].partition("\n};")[0]
        taken = set(re.findall(r'\{\s*"([a-z0-9.-]+)",\s*ARGS_', table))
        told = set(re.findall(r"Fl \\-([a-z0-9.-]+)", "\n".join(re.findall(r"^\.It .*", sections.get(name, ""), re.M))))
        for option in sorted(taken - told):
            yield "kfk(1) does not tell of kfk %s --%s" % (name, option)
        for option in sorted(told - taken):
            yield "kfk(1) tells of kfk %s --%s, which there is not" % (name, option)
        if not taken:
            yield "kfk %s: there are no options" % name


# What is around functions in a page, and around statements, with what these may use.
AROUND = """
#include <kfk/kfk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
"""
STATEMENTS = """
kfk_err statements(kfk_config *c, kfk_producer *p, kfk_record r, kfk_delivery_fn *delivered, int stopped);
kfk_err statements(kfk_config *c, kfk_producer *p, kfk_record r, kfk_delivery_fn *delivered, int stopped)
{
    kfk_error e = {0};
    {
        %s
    }
    return e.code;
}
"""
FLAGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-Wno-unused-function",
         "-Iinclude", "-fsyntax-only", "-x", "c", "-"]


def compiles(code):
    """What the compiler has to say against a piece of code: a program, functions, or statements."""
    if not re.search(r"^\{", code, re.M):
        code = STATEMENTS % code
    if "#include" not in code:
        code = AROUND + code
    cc = shlex.split(os.environ.get("CC", "cc"))
    run = subprocess.run(cc + FLAGS, input=code, capture_output=True, text=True)
    return run.stderr if run.returncode else ""


def check_code(pages, readme):
    blocks = [("README.md", b) for b in re.findall(r"^```c\n(.*?)^```$", readme, re.M | re.S)]
    for path, page in pages:
        blocks += [(path, b) for where, b in literals(page) if where == "EXAMPLES" and ";" in b]
    for path, code in blocks:
        wrong = compiles(code)
        if wrong:
            yield "%s: this does not compile:\n%s%s" % (path, code, wrong)
    if not blocks:
        yield "there is no code"


def check_pages(paths):
    if not shutil.which("mandoc"):
        print("check.py: mandoc is not installed: pages are not checked", file=sys.stderr)
        return
    run = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"] + paths, capture_output=True, text=True)
    yield from run.stdout.splitlines()


def headers():
    return [read(p) for p in sorted(glob.glob("include/kfk/*.h"))]


def pages(pattern):
    return [(p, read(p)) for p in sorted(glob.glob(pattern))]


def properties():
    return [read(p) for p in glob.glob("lib/config/property_*.def")]


def sources():
    return [read(p) for p in sorted(glob.glob("lib/*/*.c"))]


def commands():
    names = ["topics", "produce", "consume", "offsets", "groups", "perf produce", "perf consume",
             "broker"]
    return [(name, read("tools/kfk/%s.c" % name.replace(" ", "_"))) for name in names]


CHECKS = {
    "config": lambda mandir: check_config(properties(), read(mandir + "/kfk-config.5")),
    "errors": lambda mandir: check_errors(headers(), read(mandir + "/kfk-errors.7")),
    "metrics": lambda _: check_metrics(sources(), read("man/kfk_metrics.3")),
    "symbols": lambda _: check_symbols(headers(), read("lib/libkfk.map"), [t for _, t in pages("man/*.3")]),
    "signatures": lambda _: check_signatures(headers(), pages("man/*.3")),
    "names": lambda _: check_names(headers(), properties(), pages("man/*.[137]")),
    "options": lambda _: check_options(read("man/kfk.1"), commands()),
    "code": lambda _: check_code(pages("man/*.3"), read("README.md")),
    "pages": lambda mandir: check_pages(sorted(glob.glob(mandir + "/*.[1-8]") + glob.glob("man/*.[1-8]"))),
}


def self_test():
    """Every check passes what is right, and finds each thing that is taken away."""
    table = ['PROPERTY(A, "a.b-c", INT,\n "doc")\nPROPERTY(B,\n "b", INT, "doc")']
    page = ".Bl\n.It Ic a.b\\-c Pq int\nText.\nDefault: 1.\n.It Ic b Pq int\nText.\nDefault: 2.\n.El\n"
    assert not list(check_config(table, page))
    assert list(check_config(table, page.replace(".It Ic b ", ".It Ic c "))) == ["b has no entry in kfk-config(5)"]
    assert len(list(check_config(table, page.replace("Default: 2.", "")))) == 1
    assert list(check_config([], page)) == ["there are no properties"]

    header = ["enum { KFK_ERR_X = -1000, KFK_ERR_Y = 6 };\n/* KFK_API void kfk_no(void); */\nKFK_API kfk_err\nkfk_f(int a);"
              "\nKFK_API const char *kfk_g(void);\n"]
    page = ".It Dv KFK_ERR_X Pq \\-1000\nMeans.\n.br\nDo.\n.It Dv KFK_ERR_Y Pq 6\nMeans.\n.br\nDo.\n.El\n"
    assert not list(check_errors(header, page))
    assert list(check_errors(header, page.replace("_Y", "_Z"))) == ["KFK_ERR_Y has no entry in kfk-errors(7)"]
    assert len(list(check_errors(header, page.replace("\n.br\nDo.", "", 1)))) == 1
    assert list(check_errors([], page)) == ["there are no error codes"]

    table = ['{"kfk_a_total", "things", "A \\"b\\"."\n "C.", KFK_COUNTER, 1, 0},\nx = {\n"kfk_b", "bytes", "B.", KFK_GAUGE,']
    page = ".It Va kfk_a_total Pq counter, things\nA.\n.It Va kfk_b Pq gauge, bytes\nB.\n"
    assert not list(check_metrics(table, page))
    for old, new in (("kfk_b", "kfk_c"), ("gauge", "counter"), ("things", "bytes")):
        assert list(check_metrics(table, page.replace(old, new))), old
    assert len(list(check_metrics([table[0].replace("a_total", "a")], page.replace("a_total", "a")))) == 1
    assert len(list(check_metrics([], page))) == 3

    exports, pages = "KFK_1 { global: kfk_f; kfk_g; local: *; };", [".Nm kfk_f ,\n", ".Fn kfk_g void\n"]
    assert not list(check_symbols(header, exports, pages))
    assert len(list(check_symbols(header, exports, pages[:1]))) == 1
    assert len(list(check_symbols(header, exports.replace("kfk_g;", ""), pages))) == 1
    assert len(list(check_symbols(header, exports.replace("local", "kfk_h; local"), pages))) == 2
    assert len(list(check_symbols([], "", []))) == 1

    header = ["typedef struct kfk_s { /* a */\n    int a, *b;\n    void (*f)(int x, int y);\n} kfk_s;\n"
              "KFK_API const char *kfk_f(int a,\n  void *b);\nKFK_API void kfk_g(void);"]
    page = (".Sh SYNOPSIS\n.Ft \"const char *\"\n.Fo kfk_f\n.Fa \"int a\"\n.Fa \"void *b\"\n.Fc\n.Ft void\n"
            ".Fn kfk_g \"void\"\n.Bd -literal\ntypedef struct kfk_s {\n int a;\n int *b;\n"
            " void (*f)(int x, int y);\n} kfk_s;\n.Ed\n.Sh DESCRIPTION\n")
    assert not list(check_signatures(header, [("p", page)]))
    for old, new in (("int a\"", "long a\""), ("const char", "char"), (" int a;", " long a;"), ("int y", "int z"),
                     ("kfk_g \"void\"", "kfk_g \"int a\""), ("kfk_g", "kfk_h")):
        assert len(list(check_signatures(header, [("p", page.replace(old, new))]))) == 1, old

    header, table = ["enum { KFK_AA = 1 };"], ['PROPERTY(A, "a.b", INT)']
    page = ".Nm kfk_f\n.Dv KFK_AA\n.Ic a.b\n.Xr kfk_f 3 ,\n.Xr kfk 3\n"
    assert not list(check_names(header, table, [("kfk.3", page)]))
    for old, new in (("KFK_AA", "KFK_BB"), ("a.b", "a.c"), ("kfk_f 3 ,", "kfk_x 3"), ("kfk 3", "kfk 1")):
        assert len(list(check_names(header, table, [("kfk.3", page.replace(old, new))]))) == 1, old

    tool = 'static const args_option options[] = {\n [A] = {"a-b", ARGS_VALUE},\n [B] = {"c",\n ARGS_NOTHING},\n};\n'
    page = ".Ss kfk x\n.It Fl \\-a-b Ar n\n.It Fl \\-c , Fl \\-c\n.Sh END\n"
    assert not list(check_options(page, [("x", tool)]))
    assert len(list(check_options(page.replace("-a-b", "-a"), [("x", tool)]))) == 2
    assert len(list(check_options(page, [("y", tool)]))) == 2
    assert len(list(check_options("", [("x", "")]))) == 1

    page = ".Sh EXAMPLES\n.Bd -literal\nif (kfk_config_set(c, \"a\", \"b\\en\", &e))\n    return e.code;\n.Ed\n"
    assert not list(check_code([("p", page)], "```c\nint f(void);\n```\n"))
    assert len(list(check_code([("p", page.replace("&e", "e"))], ""))) == 1
    assert len(list(check_code([], "```c\nint f(void)\n{\n    return x;\n}\n```\n"))) == 1
    assert len(list(check_code([], ""))) == 1


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        print("1 passed, 0 failed")
        return 0
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(CHECKS):
        sys.exit(__doc__)
    failed = 0
    for what in sys.argv[2:] or CHECKS:
        faults = list(CHECKS[what](sys.argv[1]))
        print("%s %s" % ("FAIL" if faults else "ok  ", what), *faults, sep="\n     ")
        failed += bool(faults)
    print("%d passed, %d failed" % (len(sys.argv[2:] or CHECKS) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
