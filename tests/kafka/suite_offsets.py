"""A consumer of one broker: where it reads from, what is committed, sessions. Part of ./compat."""

import os
import subprocess
import time

from suite import CLOCK, StepByStep, kafka, tool_output

from programs import BOOTSTRAP, java, record, run
from talk import PATIENCE

GROUP_COMMAND = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
HOUR_MS = 3600 * 1000
PARTITIONS = 100
MEBI = 1024 * 1024
LARGE = 16000    # records of a thousand bytes
SLOTS = 8        # for sessions
SMALL = 100      # bytes of a request that names next to nothing
FETCHES = 20     # so many are measured


def values(records):
    return [bytes.fromhex(r.value).decode() for r in records]


class OneBroker(StepByStep):
    def run(self):
        for step in self.steps():
            self.step(step)
            self.end_readers()

    def reader(self, *properties):
        return super().reader("fetch.max.wait.ms=20", *properties)

    def create(self, topic, partitions):
        self.operator.do("create", topic, ",".join(["1"] * partitions))

    # ---- sizes of requests ----

    def bytes_a_request(self, *readers):
        """On average, of some that each of the readers sends from now on."""
        def counted(name):
            return [reader.metric(f"kfk_{name}_total") for reader in readers]
        sent, requests = counted("sent_bytes"), counted("requests")
        deadline = time.monotonic() + PATIENCE
        while min(more := [b - a for a, b in zip(requests, counted("requests"))]) < FETCHES:
            if time.monotonic() > deadline:
                self.tally.check("requests", more, [FETCHES] * len(readers))
                return [0] * len(readers)
            time.sleep(0.05)
        return [(b - a) // n for a, b, n in zip(sent, counted("sent_bytes"), more)]

    def all_of(self, topic):
        return [f"{topic}:{p}" for p in range(PARTITIONS)]

    def from_ends(self, reader, names):
        """Assigned, and at the ends of what is there."""
        reader.do("assign", *(name + "@latest" for name in names))
        reader.do("position", *names)


class Offsets(OneBroker):
    def steps(self):
        return [self.sessions, self.no_sessions, self.commits, self.starts, self.durations,
                self.places, self.transactions, self.rest]

    # ---- fetch sessions (KIP-227) ----

    def sessions(self):
        self.create("idle", PARTITIONS)
        reader = self.reader()
        names = self.all_of("idle")
        self.from_ends(reader, names)
        [size] = self.bytes_a_request(reader)
        self.tally.check(f"idle: {size} bytes a request", [size < SMALL], [True])
        self.write("idle", [record(p, CLOCK, None, b"1") for p in range(PARTITIONS)])
        for name in names:
            reader.until_read(name, 1)
        [size] = self.bytes_a_request(reader)
        self.tally.check(f"idle, after some records: {size} bytes a request", [size < SMALL],
                         [True])
        self.some_are_left_out(reader, names)
        self.tally.check("idle: errors", reader.errors, [])

    def some_are_left_out(self, reader, names):
        """They are forgotten, and named again; of the others nothing is lost meanwhile."""
        away, paused, rest = names[:10], names[10:50], names[50:]
        reader.do("remove", *away)
        reader.do("pause", *paused)
        self.write("idle", [record(p, CLOCK, None, b"2") for p in range(PARTITIONS)])
        for name in rest:
            reader.until_read(name, 2)
        self.tally.check("idle: nothing of those that are left out",
                         [len(reader.records[name]) for name in away + paused], [1] * 50)
        reader.do("resume", *paused)
        reader.do("add", *(name + "@1" for name in away))
        for name in away + paused:
            reader.until_read(name, 2)
        [size] = self.bytes_a_request(reader)
        self.tally.check(f"idle, all again: {size} bytes a request", [size < SMALL], [True])
        self.tally.check("idle: each once", [values(reader.records[name]) for name in names],
                         [["1", "2"]] * PARTITIONS)

    def no_sessions(self):
        """More readers than the broker has sessions for: some name all of it each time."""
        names = self.all_of("idle")
        readers = [self.reader() for _ in range(SLOTS + 2)]
        for reader in readers:
            self.from_ends(reader, names)
        self.write("idle", [record(p, CLOCK, None, b"3") for p in range(PARTITIONS)])
        for reader in readers:
            for name in names:
                reader.until_read(name, 1)
        self.tally.check("crowd: all is read, once",
                         [values(reader.records[name]) for reader in readers for name in names],
                         [["3"]] * (PARTITIONS * len(readers)))
        sizes = sorted(self.bytes_a_request(*readers))
        self.tally.check(f"crowd: with and without a session: {sizes}",
                         [sizes[0] < SMALL, sizes[-1] > 10 * SMALL], [True, True])

    # ---- commits ----

    def commits(self):
        self.create("kept", 3)
        self.write("kept", [record(i % 3, CLOCK, None, b"%d" % (i // 3)) for i in range(300)])
        self.commit_for_java()
        self.commit_by_java()
        self.commit_by_itself()

    def commit_for_java(self):
        ours = self.reader("group.id=ours", "enable.auto.commit=false")
        names = [f"kept:{p}" for p in range(3)]
        self.tally.check("committed: nothing yet", ours.do("committed", *names),
                         [f"place {name}@-1/-1" for name in names])
        ours.do("commit", "kept:0@10/0=by-kfk", "kept:1@20")
        wanted = ["place kept:0@10/0=by-kfk", "place kept:1@20/-1"]
        self.tally.check("committed, as Java has it", self.operator.do("committed", "ours"),
                         wanted)
        self.tally.check("committed, as it was", ours.do("committed", *names[:2]), wanted)
        ours.do("assign", *(name + "@earliest" for name in names))
        for name in names:
            ours.until_read(name, 100)
        ours.do("commit")
        self.tally.check("all positions, as Java has them", self.operator.do("committed", "ours"),
                         [f"place {name}@100/0" for name in names])
        printed = tool_output(GROUP_COMMAND, "--describe", "--group", "ours")
        fields = [line.split()[:6] for line in printed.splitlines() if line.startswith("ours ")]
        self.tally.check("as ConsumerGroupCommand has them", sorted(fields),
                         [["ours", "kept", str(p), "100", "100", "0"] for p in range(3)])

    def commit_by_java(self):
        self.operator.do("commit", "theirs", "kept:0@30/0=by-java", "kept:1@40", "kept:2@100=end")
        theirs = self.reader("group.id=theirs", "enable.auto.commit=false",
                             "auto.offset.reset=earliest")
        names = [f"kept:{p}" for p in range(3)]
        self.tally.check("committed by Java", theirs.do("committed", *names),
                         ["place kept:0@30/0=by-java", "place kept:1@40/-1",
                          "place kept:2@100/-1=end"])
        theirs.do("assign", *names)
        theirs.until_read("kept:0", 70)
        theirs.until_read("kept:1", 60)
        self.tally.check("from what was committed",
                         [values(theirs.records[name]) for name in names],
                         [[str(i) for i in range(first, 100)] for first in (30, 40, 100)])
        theirs.do("seek", "kept:2@1000")
        theirs.until_read("kept:2", 100)
        self.tally.check("out of range: the policy", values(theirs.records["kept:2"]),
                         [str(i) for i in range(100)])

    def commit_by_itself(self):
        """As time passes, and when it ends."""
        auto = self.reader("group.id=auto", "auto.commit.interval.ms=100")
        auto.do("assign", "kept:0@50", "kept:1@50")
        auto.do("pause", "kept:1")
        auto.until_read("kept:0", 50)
        time.sleep(0.2)
        auto.do("resume", "kept:1")
        auto.until_read("kept:1", 50)
        self.operator.until_answer(["place kept:0@100/0", "place kept:1@50/-1"],
                                   "committed", "auto")
        self.readers.remove(auto)
        self.tally.check("a reader with commits of its own ends", auto.quit(), ["", 0])
        self.tally.check("committed at the end", self.operator.do("committed", "auto"),
                         ["place kept:0@100/0", "place kept:1@100/0"])

    # ---- where reading starts ----

    def starts(self):
        for start, reset, first, error, then in (
                ("earliest", "none", 0, "", "OFFSET_OUT_OF_RANGE kept:0@1000"),
                ("none", "earliest", 100, "KFK_ERR_NO_OFFSET kept:0@-1", ""),
                ("latest", "earliest", 100, "", ""),
                ("", "earliest", 0, "", "")):
            name = f"start={start} reset={reset}"
            reader = self.reader("group.id=fresh", "enable.auto.commit=false",
                                 "auto.offset.reset=" + reset,
                                 *(["auto.offset.start=" + start] if start else []))
            reader.do("assign", "kept:0")
            if error:
                reader.until_error()
                self.tally.check(f"{name}: error", told(reader), [error])
            else:
                self.tally.check(f"{name}: position",
                                 reader.do("position", "kept:0")[0].split("/")[:1],
                                 [f"place kept:0@{first}"])
            reader.until_read("kept:0", 100 - first)
            reader.do("seek", "kept:0@1000")
            if then:
                reader.until_error()
                self.tally.check(f"{name}: out of range", told(reader), [then])
            else:
                reader.until_read("kept:0", 200 - first)
                self.tally.check(f"{name}: all", values(reader.records["kept:0"][-100:]),
                                 [str(i) for i in range(100)])

    def durations(self):
        self.create("aged", 1)
        now = int(time.time() * 1000)
        self.write("aged", [record(0, now - age * HOUR_MS // 60, None, b"%d" % age)
                            for age in [300] * 10 + [90] * 10 + [30] * 10])
        for duration, first in (("PT6H", 0), ("PT2H", 10), ("PT1H", 20), ("PT1M", 30)):
            for name in ("auto.offset.reset", "auto.offset.start"):
                reader = self.reader(f"{name}=by_duration:{duration}")
                reader.do("assign", "aged:0")
                self.tally.check(f"{name}: {duration}",
                                 reader.do("position", "aged:0")[0].split("/")[:1],
                                 [f"place aged:0@{first}"])
                reader.until_read("aged:0", 30 - first)

    # ---- offsets of places ----

    PLACES = ["earliest", "latest", "max-timestamp", "earliest-local", "latest-tiered",
              "earliest-pending-upload", "t0", f"t{CLOCK + 15}", f"t{CLOCK + 40}",
              f"t{CLOCK + 1000}", "t4000000000000"]

    def places(self):
        """Timestamps that go up and down; the first records are deleted."""
        self.create("places", 2)
        self.write("places",
                   [record(0, CLOCK + (i * 7) % 50, None, b"%d" % i) for i in range(50)])
        self.operator.do("trim", "places:0@5")
        asked = [f"places:{p}@{where}" for p in (0, 1) for where in self.PLACES]
        wanted = self.operator.do("offsets", *asked)
        reader = self.reader("auto.offset.reset=earliest")
        self.tally.check("offsets, as Java is told", reader.ask("offsets", *asked)[:-1], wanted)
        for where, line in zip(self.PLACES, wanted):
            if line.split("@")[1].startswith("-1/") or not where.startswith("t"):
                continue
            reader.do("assign", f"places:0@{where}")
            self.tally.check(f"position at {where}",
                             reader.do("position", "places:0")[0].split("/")[0], line.split("/")[0])
        reader = self.reader("auto.offset.reset=earliest")
        reader.do("assign", "places:0@0")
        reader.until_read("places:0", 45)
        self.tally.check("what is left", [r.offset for r in reader.records["places:0"]],
                         list(range(5, 50)))
        print("offsets: " + " ".join(line.split("@")[1] for line in wanted[:len(self.PLACES)]))

    # ---- transactions ----

    def transactions(self):
        """Read while they are written."""
        self.create("live", 1)
        levels = ("read_committed", "read_uncommitted")
        readers = [self.reader("isolation.level=" + level) for level in levels]
        for reader in readers:
            reader.do("assign", "live:0@earliest")
        subprocess.run([*java("Transact"), BOOTSTRAP, "live", "15"], check=True)
        end = self.operator.do("offsets", "live:0@latest")[0].split("/")[0]
        for level, reader in zip(levels, readers):
            isolation = "isolation.level=" + level
            from_java = run([*java("Consume"), BOOTSTRAP, isolation, "live"])["live"]
            reader.until_read("live:0", len(from_java))
            self.tally.check(f"live, {level}: as Java reads it",
                             [f"{r.offset} {r.value}" for r in reader.records["live:0"]],
                             [f"{line.split('|')[5]} {line.split('|')[3]}" for line in from_java])
            deadline = time.monotonic() + PATIENCE
            wanted = [end, "place live:0@0"]
            while (at := self.at(reader)) != wanted and time.monotonic() < deadline:
                time.sleep(0.05)
            self.tally.check(f"live, {level}: position and lag", at, wanted)

    def at(self, reader):
        return [reader.do(what, "live:0")[0].split("/")[0] for what in ("position", "lag")]

    # ---- a reader that rests ----

    def rest(self):
        """With more to read than it has memory for; its broker is away for a while, too."""
        self.create("much", 1)
        self.write("much",
                   [record(0, CLOCK, None, b"%d" % i + b"." * 1000) for i in range(LARGE)])
        reader = self.reader(f"fetch.buffer.memory={MEBI}")
        before = memory(reader, "VmRSS")
        reader.do("assign", "much:0@earliest")
        reader.until_read("much:0", 100)
        reader.do("stop")
        time.sleep(1)
        kafka("restart", "1")
        held = reader.metric("kfk_consumer_buffered_bytes") + \
            reader.metric("kfk_consumer_requested_bytes")
        self.tally.check(f"rest: {held} bytes are held", [0 < held <= MEBI], [True])
        reader.do("go")
        reader.until_read("much:0", LARGE)
        self.tally.check("rest: what is read", [r.offset for r in reader.records["much:0"]],
                         list(range(LARGE)))
        self.tally.check("rest: errors", reader.errors, [])
        if before:
            grown = memory(reader, "VmHWM") - before
            self.tally.check(f"rest: memory grew by {grown} KiB", [grown < 5 * 1024], [True])


def told(reader):
    return [" ".join(error.split(" ")[:2]) for error in reader.errors]


def memory(reader, what):
    """In KiB; 0 where the system does not tell."""
    path = f"/proc/{reader.process.pid}/status"
    if not os.path.exists(path):
        return 0
    with open(path, encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(what + ":"))


class Eviction(OneBroker):
    """A broker drops sessions that are two minutes old in favour of one with more partitions."""

    def steps(self):
        return [self.evict]

    def evict(self):
        self.create("all", PARTITIONS)
        names = self.all_of("all")
        small = [self.reader() for _ in range(SLOTS)]
        for reader in small:
            self.from_ends(reader, names[:2])
        self.bytes_a_request(*small)
        large = self.reader()
        self.from_ends(large, names)
        [size] = self.bytes_a_request(large)
        self.tally.check(f"no session: {size} bytes a request", [size > 10 * SMALL], [True])
        deadline = time.monotonic() + 120 + PATIENCE
        n = 0
        while size >= SMALL and time.monotonic() < deadline:
            self.write("all", [record(p, CLOCK, None, b"%d" % n) for p in range(PARTITIONS)])
            n += 1
            time.sleep(5)
            [size] = self.bytes_a_request(large)
        self.tally.check(f"a session: {size} bytes a request", [size < SMALL], [True])
        evicted = 0
        for reader in [*small, large]:
            for name in names[:2]:
                reader.until_read(name, n)
            read = [values(records) for _, records in sorted(reader.records.items())]
            self.tally.check("all is read, once", read, [[str(i) for i in range(n)]] * len(read))
            self.tally.check("errors", reader.errors, [])
            evicted += reader.metric("kfk_errors_total", "error=FETCH_SESSION_ID_NOT_FOUND")
        self.tally.check(f"{evicted} times a session was dropped", [evicted > 0], [True])
