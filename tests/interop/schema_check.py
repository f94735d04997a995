#!/usr/bin/env python3
"""Compares lib/proto/schema with the message descriptions in a kafka-clients jar.

    schema_check.py [JAR [SCHEMA.kfk ...]]

JAR is kafka-clients-4.3.1.jar, unless told otherwise, and the schemas are all of ours.

For each of our APIs: the key, the versions, the first flexible one; and for each of these versions the fields in their
order, each with its type, whether it may be null, its tag, its default, and whether it may be ignored, down through the
structs. The .kfk files are read here by code of its own, so that a mistake of tools/schemac does not hide itself.
"""

import glob
import json
import os
import re
import subprocess
import sys
import zipfile

VERSION = "4.3.1"
ZERO = {"string": "", "bytes": "", "records": "null", "bool": "false", "uuid": "0"}


def versions(text):
    """The first and the last version; the last one may be endless."""
    if text == "none":
        return (1, 0)
    if text.endswith("+"):
        return (int(text[:-1]), 10**6)
    low, _, high = text.partition("-")
    return (int(low), int(high or low))


def within(version, text):
    return text is not None and versions(text)[0] <= version <= versions(text)[1]


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class Field:
    """A field as either side describes it."""

    def __init__(self, name, kind, present, null, tag, default, ignorable, fields):
        self.array = kind.startswith("[]")
        self.kind = kind[2:] if self.array else kind
        self.name, self.present, self.null, self.tag = name, present, null, tag
        self.default, self.ignorable, self.fields = default, ignorable, fields

    def default_value(self):
        """The default in one way of writing it."""
        if self.default == "null":
            return "null"
        if self.array or self.fields:
            return "empty"
        zero = ZERO.get(self.kind, "0")
        text = zero if self.default is None else str(self.default)
        if self.kind in ("bool", "string", "bytes", "uuid", "records"):
            return text
        return str(int(text, 0))

    def at(self, version):
        """All that matters of the field in a version."""
        return {
            "name": self.name,
            "type": ("[]" if self.array else "") + ("struct" if self.fields else self.kind),
            "null": within(version, self.null),
            "tag": self.tag,
            "default": self.default_value(),
            "ignorable": self.ignorable,
        }


def kafka_fields(fields, structs):
    out = []
    for f in fields:
        kind = f["type"]
        inner = f.get("fields") or structs.get(kind.replace("[]", ""))
        if "tag" in f and f["taggedVersions"] != f["versions"]:
            raise SystemExit("%s: tagged in only some of its versions" % f["name"])
        out.append(Field(snake(f["name"]), kind, f["versions"], f.get("nullableVersions"), f.get("tag"),
                         f.get("default"), f.get("ignorable") in (True, "true"),
                         kafka_fields(inner, structs) if inner else []))
    return out


class KafkaMessage:
    def __init__(self, jar, name):
        text = jar.read("common/message/%s.json" % name).decode()
        doc = json.loads("\n".join(t for t in text.splitlines() if not t.strip().startswith("//")))
        self.key, self.versions = doc.get("apiKey"), versions(doc["validVersions"])
        self.flexible, self.unstable = doc["flexibleVersions"], doc.get("latestVersionUnstable", False)
        self.fields = kafka_fields(doc["fields"], {s["name"]: s["fields"] for s in doc.get("commonStructs", [])})


class OurApi:
    """A .kfk file. |messages| are by what they add to the name: Request and Response, or nothing for data."""

    def __init__(self, path):
        self.messages, levels = {}, []
        with open(path, encoding="ascii") as lines:
            for line in lines:
                text = line.split("#")[0].rstrip()
                words = text.split()
                if not words:
                    continue
                if words[0] == "api":
                    self.name, self.key = words[1], int(words[3])
                    self.versions, self.flexible = versions(words[5]), words[7]
                elif words[0] == "data":
                    self.name, self.key = words[1], None
                    self.versions, self.flexible = versions(words[3]), words[5]
                    levels = [self.messages.setdefault("", [])]
                elif text in ("request", "response"):
                    levels = [self.messages.setdefault(text.capitalize(), [])]
                else:
                    field = self.field(words)
                    del levels[(len(text) - len(text.lstrip())) // 4 :]
                    levels[-1].append(field)
                    levels.append(field.fields)

    @staticmethod
    def field(words):
        given, rest = {}, words[3:]
        while rest:
            word = rest.pop(0)
            given[word] = True if word == "ignorable" else rest.pop(0)
        tag = int(given["tag"]) if "tag" in given else None
        return Field(words[0], words[1], words[2], given.get("null"), tag, given.get("default"),
                     "ignorable" in given, [])


class Check:
    def __init__(self):
        self.passed = self.failed = 0

    def same(self, where, what, ours, kafkas):
        if ours == kafkas:
            self.passed += 1
        else:
            self.failed += 1
            print("%s: %s: ours %s, Kafka's %s" % (where, what, ours, kafkas))

    def fields(self, where, version, ours, kafkas):
        ours = [f for f in ours if within(version, f.present)]
        kafkas = [f for f in kafkas if within(version, f.present)]
        self.same(where, "fields", [f.name for f in ours], [f.name for f in kafkas])
        for a, b in zip(ours, kafkas):
            here = "%s.%s" % (where, a.name)
            left, right = a.at(version), b.at(version)
            for key in left:
                self.same(here, key, left[key], right[key])
            self.fields(here, version, a.fields, b.fields)

    def api(self, jar, api):
        for suffix in ("Request", "Response") if api.key is not None else ("",):
            kafka = KafkaMessage(jar, api.name + suffix)
            last = kafka.versions[1]
            if suffix and KafkaMessage(jar, api.name + "Request").unstable:
                last -= 1
            where = api.name + suffix
            self.same(where, "key", api.key, kafka.key)
            self.same(where, "versions", api.versions, (kafka.versions[0], last))
            self.same(where, "flexible", api.flexible, kafka.flexible)
            for version in range(kafka.versions[0], last + 1):
                self.fields("%s v%d" % (where, version), version, api.messages[suffix], kafka.fields)


def clients_jar(top):
    kafka = os.path.join(top, "tests/kafka/kafka")
    home = subprocess.run([kafka, "fetch", VERSION], stdout=subprocess.PIPE, text=True, check=True)
    return os.path.join(home.stdout.strip(), "lib/kafka-clients-%s.jar" % VERSION)


def main(args):
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    jar_path = args[0] if args else clients_jar(top)
    paths = args[1:] or sorted(glob.glob(os.path.join(top, "lib/proto/schema/*.kfk")))
    check = Check()
    with zipfile.ZipFile(jar_path) as jar:
        for path in paths:
            check.api(jar, OurApi(path))
    print("%d passed, %d failed" % (check.passed, check.failed))
    return 1 if check.failed or not check.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
