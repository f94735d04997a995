"""A consumer of three brokers, of which leaders die and move. Part of ./compat."""

import subprocess
import threading
import time

from suite import CLOCK, VERSION, StepByStep, kafka

from jars import version_key
from programs import BOOTSTRAP, java, record, run
from talk import PATIENCE

BY_ID = version_key(VERSION) >= [3, 1]    # fetches name topics by their ids
NEARER = version_key(VERSION) >= [2, 4]   # KIP-392
MOVES = version_key(VERSION) >= [2, 4]    # reassignments without ZooKeeper
KNOWS = version_key(VERSION) >= [2, 3]    # where a log that was truncated has parted (KIP-320)
FETCHES = 20                              # so many say where most go


class Writer:
    """Writes numbers to the partitions of a topic, in turn, until it is told to stop."""

    def __init__(self, program, topic, partitions):
        self.partitions = partitions
        self.sent = 0
        self.enough = threading.Event()
        self.process = subprocess.Popen([program, BOOTSTRAP], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(f"@ {topic} linger.ms=5\n")
        self.feeder = threading.Thread(target=self.feed, daemon=True)
        self.feeder.start()

    def feed(self):
        while not self.enough.wait(0.02):
            for _ in range(10):
                p = self.sent % self.partitions
                line = record(p, CLOCK + self.sent, None, b"%d" % self.sent)
                self.process.stdin.write(line + "\n")
                self.sent += 1
            self.process.stdin.flush()
        self.process.stdin.close()

    def end(self):
        """What failed, of what was sent."""
        self.enough.set()
        self.feeder.join()
        lines = self.process.stdout.read().splitlines()[1:]
        self.process.wait()
        return [line for line in lines if line.startswith("error|")] + \
            ["no result"] * (self.sent - len(lines))


def one_by_one(partition, n, text):
    return [record(partition, CLOCK + i, None, b"%s %d" % (text, i)) for i in range(n)]


def values(records):
    return [f"{r.offset} {bytes.fromhex(r.value).decode()}" for r in records]


def counted(n, text, first=0):
    return [f"{first + i} {text} {i}" for i in range(n)]


class Consume(StepByStep):
    def run(self):
        self.step(self.made_again)
        self.begin()
        if NEARER:
            self.step(self.near_follower)
        self.step(self.leader_dies)
        self.step(self.truncated)
        self.step(self.all_come_back)
        if MOVES:
            self.step(self.leaders_move)
        self.step(self.more_partitions)
        self.step(self.compare)
        self.end_readers()

    def reader(self, *properties):
        return super().reader("allow.auto.create.topics=false", "retry.backoff.max.ms=200",
                              *properties)

    # ---- a topic that is deleted and made again ----

    def made_again(self):
        """It has more records than were read of the old one, where brokers tell them apart."""
        n = 150 if BY_ID else 50
        self.operator.do("create", "again", "1:2:3")
        goes_on = self.reader("auto.offset.reset=earliest")
        stays = self.reader("auto.offset.reset=none")
        for reader in (goes_on, stays):
            reader.do("assign", "again:0@earliest")
        self.write("again", one_by_one(0, 100, b"old"))
        for reader in (goes_on, stays):
            reader.until_read("again:0", 100)
        self.operator.do("delete", "again")
        self.operator.do("create", "again", "2:3:1")
        self.write("again", one_by_one(0, n, b"new"))
        goes_on.until_read("again:0", 100 + n)
        stays.until_error()
        self.tally.check("again: what is read", values(goes_on.records["again:0"]),
                         counted(100, "old") + counted(n, "new"))
        self.tally.check("again: no error", goes_on.errors, [])
        error, place = stays.errors[0].split(" ")[:2]
        wanted = ["UNKNOWN_TOPIC_ID"] if BY_ID else ["UNKNOWN_TOPIC_ID", "OFFSET_OUT_OF_RANGE"]
        self.tally.check("again: the error without a policy", [error in wanted, place],
                         [True, "again:0@100"])
        stays.do("seek", "again:0@10")
        stays.until_read("again:0", 100 + n - 10)
        self.tally.check("again: after a seek", values(stays.records["again:0"][100:]),
                         counted(n, "new")[10:])

    # ---- what is read while the cluster suffers ----

    def begin(self):
        self.operator.do("create", "moves", "1:2:3,2:3:1,3:1:2")
        self.operator.do("create", "near", "1:2:3")
        self.operator.do("create", "torn", "1:2", "min.insync.replicas=1",
                         "unclean.leader.election.enable=true")
        self.main = self.reader("auto.offset.reset=none")
        self.near = self.reader("auto.offset.reset=none", "client.rack=rack-2",
                                "fetch.max.wait.ms=50")
        self.main.do("assign", *(f"moves:{p}@earliest" for p in range(3)))
        self.near.do("assign", "near:0@earliest")
        self.torn = {reset: self.reader("auto.offset.reset=" + reset)
                     for reset in ("earliest", "latest", "none")}
        for reader in self.torn.values():
            reader.do("assign", "torn:0@earliest")
        self.writers = [Writer(self.produce_program, "moves", 3),
                        Writer(self.produce_program, "near", 1)]
        self.write("torn", one_by_one(0, 100, b"kept"))
        for reader in self.torn.values():
            reader.until_read("torn:0", 100)
        self.all_go_on()

    def all_go_on(self):
        self.main.until_goes_on([f"moves:{p}" for p in range(3)])
        self.near.until_goes_on(["near:0"])

    # ---- KIP-392 ----

    def fetches(self):
        return {node: self.near.metric("kfk_requests_total", f"broker={node}") for node in "123"}

    def near_follower(self):
        """The leader names the follower in its rack as soon as that has what is read."""
        self.until_fetches(self.fetches()["2"] + FETCHES)
        before = self.fetches()
        self.until_fetches(before["2"] + FETCHES)
        after = self.fetches()
        others = sum(after[node] - before[node] for node in "13")
        self.tally.check(f"near: most requests go to the follower: {before}, {after}",
                         [others <= FETCHES / 4], [True])

    def until_fetches(self, n):
        deadline = time.monotonic() + PATIENCE
        while (counts := self.fetches())["2"] < n and time.monotonic() < deadline:
            self.near.until_goes_on(["near:0"], 10)
        self.tally.check(f"near: requests go to the follower: {counts}", [counts["2"] >= n], [True])

    # ---- leaders ----

    def leader_dies(self):
        """Which is a follower of torn, too: what is written then, it does not have."""
        kafka("kill", "2")
        self.write("torn", one_by_one(0, 50, b"lost"))
        self.all_go_on()
        self.main.until_goes_on(["moves:1"], 50)
        before = self.fetches()
        self.near.until_goes_on(["near:0"], 50)
        after = self.fetches()
        self.tally.check("near: without the follower, the leader", [after["1"] > before["1"]],
                         [True])
        for reader in self.torn.values():
            reader.until_read("torn:0", 150)
        self.saved = self.torn["none"].do("position", "torn:0")[0].partition(" ")[2]

    def truncated(self):
        """The other replica dies, and the one that lacks some records comes back as leader."""
        kafka("kill", "1")
        kafka("restart", "2")
        self.write("torn", one_by_one(0, 30, b"new"))
        self.tally.check("torn: the position", [self.saved.startswith("torn:0@150/")], [True])
        wanted = counted(100, "kept") + counted(50, "lost", 100)
        new = counted(30, "new", 100)
        if not KNOWS:
            self.out_of_range(wanted, new)
            return
        for reset in ("earliest", "latest"):
            reader = self.torn[reset]
            reader.until_read("torn:0", 180)
            self.tally.check(f"torn: read with {reset}", values(reader.records["torn:0"]),
                             wanted + new)
            self.tally.check(f"torn: no error with {reset}", reader.errors, [])
        self.truncated_without_policy(wanted, new)

    def out_of_range(self, wanted, new):
        """That much such a broker can tell, as the log is shorter now."""
        self.torn["earliest"].until_read("torn:0", 280)
        self.tally.check("torn: read with earliest",
                         values(self.torn["earliest"].records["torn:0"]),
                         wanted + wanted[:100] + new)
        self.torn["none"].until_error()
        self.tally.check("torn: out of range", self.torn["none"].errors[0].split(" ")[:2],
                         ["OFFSET_OUT_OF_RANGE", "torn:0@150"])

    def truncated_without_policy(self, wanted, new):
        reader = self.torn["none"]
        reader.until_error()
        self.tally.check("torn: truncated", [e.split(" ")[:2] for e in reader.errors],
                         [["KFK_ERR_TRUNCATED", "torn:0@100"]])
        self.tally.check("torn: nothing read by then", values(reader.records["torn:0"]), wanted)
        reader.do("seek", "torn:0@100")
        reader.until_read("torn:0", 180)
        self.tally.check("torn: after a seek", values(reader.records["torn:0"]), wanted + new)
        reader.do("assign", self.saved)
        reader.until_error(2)
        self.tally.check("torn: a position that was kept", reader.errors[1].split(" ")[:2],
                         ["KFK_ERR_TRUNCATED", "torn:0@100"])

    def all_come_back(self):
        kafka("restart", "1")
        kafka("wait", "3")
        for name in ("moves:0", "moves:1", "moves:2", "near:0"):
            self.until_replicas(name, "all in sync", lambda _, all_of_it, isr: all_of_it == isr)
        self.all_go_on()
        if NEARER:
            self.near_follower()

    def until_replicas(self, place, what, good):
        """good(leader, all, those in sync)"""
        deadline = time.monotonic() + PATIENCE
        while not good(*(said := self.operator.do("replicas", place)[0].split(" "))[1:]):
            if time.monotonic() > deadline:
                self.tally.check(f"{place}: {what}", said, [])
                return
            time.sleep(0.1)

    def leaders_move(self):
        self.operator.ask("elect", "moves:1")
        self.operator.do("move", "moves:0", "3:2")
        for name, wanted in (("moves:0", "3"), ("moves:1", "2")):
            self.until_replicas(name, "its leader", lambda leader, *_, w=wanted: leader == w)
        self.main.until_goes_on([f"moves:{p}" for p in range(3)], 50)

    def more_partitions(self):
        self.operator.do("grow", "moves", "5")
        self.main.do("add", "moves:3@earliest", "moves:4@earliest")
        self.write("moves", one_by_one(3, 20, b"more") + one_by_one(4, 20, b"more"))
        self.main.until_read("moves:3", 20)
        self.main.until_read("moves:4", 20)
        self.all_go_on()

    # ---- what was read, beside what is in the log ----

    def compare(self):
        for writer in self.writers:
            self.tally.check("all is written", writer.end(), [])
        logs = run([*java("Consume"), BOOTSTRAP, "moves", "near"])
        for topic, reader in (("moves", self.main), ("near", self.near)):
            written = {}
            for line in logs[topic]:
                fields = line.split("|")
                written.setdefault(f"{topic}:{fields[0]}", []).append(
                    f"{fields[5]} {fields[7]} {fields[3]}")
            for name, lines in written.items():
                reader.until_read(name, len(lines))
                read = [f"{r.offset} {r.epoch} {r.value}" for r in reader.records[name]]
                self.tally.check(f"{name}: as Java reads it", read, lines)
            self.tally.check(f"{topic}: errors", reader.errors, [])
            print(f"{topic}: {len(logs[topic])} records")
