"""Members of groups, of several clients: how each is begun, and talks. Part of ./members."""

import collections
import os
import re
import shutil
import signal
import subprocess
import threading

from programs import BOOTSTRAP, java
from talk import PATIENCE, Talk


class Member(Talk):
    """One that speaks as README.md has it. owned: its partitions; records: what it has read."""

    def __init__(self, news, program, properties, topic):
        self.owned = set()
        self.records = []
        self.errors = []
        super().__init__(self.command(program, properties, topic), news)

    def command(self, program, properties, topic):
        return [*program, BOOTSTRAP, *properties, topic]

    def hear(self, line):
        kind, _, rest = line.partition(" ")
        if kind == "record":
            self.records.append(rest)
        elif kind == "assigned":
            self.owned.update(rest.split())
        elif kind in ("revoked", "lost"):
            self.owned.difference_update(rest.split())
        elif kind == "error":
            self.errors.append(rest)
        else:
            super().hear(line)

    def commit(self):
        self.do("commit")

    def quit(self):
        """Its exit status."""
        self.do("quit")
        return self.end()

    def kill(self):
        self.process.kill()
        self.thread.join(PATIENCE)
        self.process.wait()


class Kcat(Member):
    """kcat -G, which commits by itself, takes no commands, and says on stderr what is its own."""

    def command(self, program, properties, topic):
        options = ["-X" + p for p in ("auto.offset.reset=earliest", *properties)]
        group = next(p.partition("=")[2] for p in properties if p.startswith("group.id="))
        return [*program, "-b", BOOTSTRAP, *options, "-u", "-f", r"record %t:%p@%o\n", "-G", group,
                topic]

    def start(self, command):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self.listen_to, args=(process.stderr,), daemon=True).start()
        return process

    def listen_to(self, stderr):
        for line in stderr:
            with self.news:
                self.hear_said(line)
                self.news.notify_all()

    def hear_said(self, line):
        places = {f"{topic}:{p}" for topic, p in re.findall(r"(\S+) \[(\d+)\]", line)}
        if "ERROR" in line or "FATAL" in line:
            self.errors.append(line.strip())
        elif "revoke" in line:
            self.owned -= places
        elif "assign" in line:
            self.owned |= places

    def commit(self):
        pass

    def quit(self):
        self.process.send_signal(signal.SIGTERM)
        self.thread.join(PATIENCE)
        return self.process.wait(PATIENCE)


CONSUMER = ["group.protocol=consumer"]

# program: None if it is not here. properties: in the place of those of classic groups.
Kind = collections.namedtuple("Kind", "talk program properties", defaults=[None])


def kinds(folder):
    """A client is a row, or two if it can leave it to the coordinator who gets what."""
    def built(name):
        path = os.path.join(folder, name)
        return [path] if os.access(path, os.X_OK) else None

    kcat = shutil.which("kcat") or shutil.which("kafkacat")
    return {
        "java": Kind(Member, java("Member")),
        "java-consumer": Kind(Member, java("Member"), CONSUMER),
        "kcat": Kind(Kcat, kcat and [kcat]),
        "kfk": Kind(Member, built("kfk_member")),
        "kfk-consumer": Kind(Member, built("kfk_member"), CONSUMER),
        "franz": Kind(Member, built("franz_member")),
        "franz-consumer": Kind(Member, built("franz_member"), CONSUMER),
        "sarama": Kind(Member, built("sarama_member")),
    }
