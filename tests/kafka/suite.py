"""What the suites of ./compat share: the programs of tests/interop, and the brokers."""

import collections
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "interop"))

from programs import BOOTSTRAP, Tally, record, run
from talk import Operator, Reader

DIR = os.environ.get("KFK_KAFKA_DIR")
VERSION = os.environ.get("KFK_KAFKA_VERSION", "0.0.0")
CLOCK = 1700000000000


class Suite:
    def __init__(self, folder, rounds=1):
        self.rounds = rounds
        self.produce_program = os.path.join(folder, "kfk_produce")
        self.consume_program = os.path.join(folder, "kfk_consume")
        self.reader_program = os.path.join(folder, "kfk_reader")
        self.tally = Tally()

    def produce(self, jobs, may_fail=False, bootstrap=BOOTSTRAP):
        """jobs: topic -> (properties, records). Returns topic -> what became of each record."""
        return run([self.produce_program, bootstrap], text_of(jobs), may_fail)

    def consume(self, topics):
        return run([self.consume_program, BOOTSTRAP, *topics])

    def says(self, what, lines, words):
        """One line, with all of the words in it."""
        missing = [word for word in words if word not in " ".join(lines)]
        self.tally.check(f"{what}: says {words}", lines if missing else [], [])


class StepByStep(Suite):
    """Readers that are told what to do, and an operator beside them."""

    def __init__(self, folder):
        super().__init__(folder)
        self.operator = Operator()
        self.readers = []

    def reader(self, *properties):
        self.readers.append(Reader(self.reader_program, *properties))
        return self.readers[-1]

    def step(self, do):
        began = time.monotonic()
        do()
        print(f"{do.__name__}: {time.monotonic() - began:.1f} s", flush=True)

    def end_readers(self):
        for reader in self.readers:
            self.tally.check("a reader ends", reader.quit(), ["", 0])
        self.readers = []

    def write(self, topic, records):
        told = self.produce({topic: ("linger.ms=5", records)})[topic]
        self.tally.check(f"{topic}: written", [len(told)], [len(records)])


def text_of(jobs):
    return "".join(f"@ {topic} {properties}\n" + "".join(r + "\n" for r in records)
                   for topic, (properties, records) in jobs.items())


def kafka(command, *args):
    subprocess.run([os.path.join(HERE, "kafka"), command, DIR, *args], check=True,
                   stdout=subprocess.DEVNULL)


def tool_output(name, *args):
    """What one of Kafka's tools prints."""
    done = subprocess.run([os.path.join(HERE, "kafka"), "tool", DIR, name, *args],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{name} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def create_topic(name, *configs):
    kafka("tool", "TopicCommand", "--create", "--topic", name, "--partitions", "3",
          "--replication-factor", "1", *[word for c in configs for word in ("--config", c)])


def numbered(n, size=0):
    """With keys, so that each partition gets some; the value is the number."""
    return [record("-", CLOCK + i, b"key-%d" % (i % 100), b"%d" % i + b"." * size)
            for i in range(n)]


def as_read(records, outcome, kind="create"):
    """The lines that readers must print: partitions from the outcome, and offsets by counting."""
    next_offset = collections.Counter()
    lines = []
    for line, told in zip(records, outcome):
        partition = int(told.split("|")[0])
        rest = line.partition("|")[2]
        lines.append((partition, next_offset[partition], rest))
        next_offset[partition] += 1
    return [f"{p}|{rest}|{offset}|{kind}|0" for p, offset, rest in sorted(lines)]


def number_in(fields):
    return int(bytes.fromhex(fields[3]))
