"""Runs the programs of README.md and takes apart what they print. Part of ./cross and others."""

import itertools
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BOOTSTRAP = os.environ.get("KFK_BOOTSTRAP")
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
KAFKA = os.path.join(HERE, "..", "kafka", "kafka")


def of_kafka():
    """With the embedded broker nobody has said yet where Kafka's jars are."""
    if "KFK_KAFKA_ARGS" not in os.environ:
        home = subprocess.run([KAFKA, "fetch", "4.3.1"], stdout=subprocess.PIPE, text=True, check=True)
        os.environ["KFK_KAFKA_ARGS"] = os.path.join(home.stdout.strip(), "java.args")


def java(name):
    # Of every new topic the client warns that it is not there yet.
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"
    program = os.path.join(HERE, "java", name + ".java")
    return ["java", "@" + os.environ["KFK_KAFKA_ARGS"], quiet, program]


def run(command, stdin="", may_fail=False):
    """may_fail: that records may."""
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, text=True)
    if done.returncode not in ([0, 1] if may_fail else [0]):
        errors = sorted({line for line in done.stdout.splitlines() if line.startswith("error|")})
        name = os.path.basename(command[0])
        sys.exit("\n".join([f"{name} failed, status {done.returncode}", *errors[:5]]))
    return sections(done.stdout)


def sections(text):
    """topic -> its lines"""
    found = {}
    for line in text.splitlines():
        if line.startswith("@ "):
            lines = found[line.split(" ")[1]] = []
        else:
            lines.append(line)
    return found


def hexed(data):
    return "null" if data is None else data.hex()


def record(partition, timestamp, key, value, headers=()):
    pairs = ",".join(f"{hexed(name)}={hexed(data)}" for name, data in headers)
    return f"{partition}|{timestamp}|{hexed(key)}|{hexed(value)}|{pairs}"


def with_epoch(lines):
    """As readers that tell the epoch: it is the first leader of each partition."""
    return [re.sub(r"\|-$", "|0", line) for line in lines]


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, got, want):
        if got == want:
            self.passed += 1
            return
        self.failed += 1
        print(f"FAILED: {what}: {len(got)} lines, not {len(want)}, or different ones")
        for g, w in itertools.zip_longest(got, want):
            if g != w:
                print(f"  got  {str(g)[:500]}\n  want {str(w)[:500]}")
                break
