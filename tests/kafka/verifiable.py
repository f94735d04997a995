"""Runs our verifiable programs and Kafka's. Part of ./verifiable_producer, ./verifiable_consumer and
./group_roll."""

import json
import os
import subprocess
import tempfile
import time

BOOTSTRAP = os.environ.get("KFK_BOOTSTRAP", "")
JAVA_ARGS = os.environ.get("KFK_KAFKA_ARGS")  # none: the embedded broker
TO_BROKER = ["--bootstrap-server", BOOTSTRAP]
NOWHERE = ["--bootstrap-server", "127.0.0.1:1"]


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, got, want=True):
        self.passed += got == want
        self.failed += got != want
        if got != want:
            print(f"FAILED: {what}\n  got  {got}\n  want {want}")


def java(class_name):
    """Makes command lines of arguments."""
    return lambda args: ["java", "@" + JAVA_ARGS, "org.apache.kafka.tools." + class_name, *args]


class Ours:
    """The same; folder: where kfk and the program of that name are."""

    def __init__(self, folder, name):
        self.program = os.path.join(folder, name)
        self.kfk = os.path.join(folder, "kfk")

    def __call__(self, args):
        return [self.program, *args]

    def run(self, command, *args, stdin=b""):
        return subprocess.run([self.kfk, command, "--bootstrap-server", BOOTSTRAP, *args],
                              input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run(make, args, properties=None, option="--command-config"):
    """(the exit status, the lines)"""
    with tempfile.NamedTemporaryFile("w", suffix=".properties") as f:
        f.write(properties or "")
        f.flush()
        more = [option, f.name] if properties else []
        done = subprocess.run(make([*args, *more]), stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=100, text=True)
    return done.returncode, done.stdout.splitlines()


def terminate(make, signum, args, after):
    """The same of a run that a signal ends after so many lines, without those of no partitions."""
    lines = []
    with subprocess.Popen(make(args), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as p:
        while p.poll() is None and sum('"partitions":[]' not in line for line in lines) < after:
            lines.append(p.stdout.readline().rstrip("\n"))
        time.sleep(0.3)
        p.send_signal(signum)
        lines += p.stdout.read().splitlines()
    return p.returncode, lines


def has_begun(lines):
    return any('"startup_complete"' in line for line in lines)


def events_of(lines):
    return [json.loads(line) for line in lines if line.startswith("{")]


def check_help(tally, programs):
    """Without a word it is help, and no error; --help is one."""
    for args in ([], ["--help"], ["-h"]):
        results = []
        for make in programs:
            done = subprocess.run(make(args), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            results.append((done.returncode, bool(done.stdout)))
        tally.check(f"help {args}", results[0], (1 if args else 0, True))
        tally.check(f"help {args}: as Kafka's", results[0], results[-1])
