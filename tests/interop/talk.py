"""Programs that are given commands, one a line, and tell what comes of them; README.md has both."""

import collections
import os
import re
import subprocess
import threading
import time

from programs import BOOTSTRAP, java

PATIENCE = 120

Record = collections.namedtuple("Record", "place offset epoch timestamp key value")


class Failed(Exception):
    """A program ended, or what was waited for did not come."""


class Talk:
    """A thread reads what it prints; the last line of each command's answer begins with "done".
    Several can have one condition for their news."""

    def __init__(self, command, news=None):
        self.news = news or threading.Condition()
        self.answers = collections.deque()
        self.lines = []
        self.ended = False
        self.name = os.path.basename(command[0])
        self.process = self.start(command)
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def start(self, command):
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                bufsize=1)

    def listen(self):
        for line in self.process.stdout:
            with self.news:
                self.hear(line.rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def hear(self, line):
        self.lines.append(line)
        if line.startswith("done "):
            self.answers.append(self.lines)
            self.lines = []

    def until(self, ready, what):
        """Waits until ready(), which is looked at when a line comes."""
        with self.news:
            if not self.news.wait_for(lambda: ready() or self.ended, PATIENCE) or not ready():
                ended = f": it has ended with {self.process.wait()}" if self.ended else ""
                raise Failed(f"{self.name}: {what}{ended}")

    def tell(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")

    def ask(self, *words):
        """The answer's lines, and as the last of them what follows "done": nothing, or an error."""
        self.tell(*words)
        self.until(lambda: self.answers, f"no answer to {words[0]}")
        *lines, done = self.answers.popleft()
        return [*lines, done.partition(" ")[2].partition(" ")[2]]

    def do(self, *words):
        """As ask, of what must not fail."""
        *lines, error = self.ask(*words)
        if error:
            raise Failed(f"{self.name}: {' '.join(words)[:80]}: {error}")
        return lines

    def end(self):
        """Its exit status."""
        self.process.stdin.close()
        self.thread.join(PATIENCE)
        return self.process.wait(PATIENCE)


class Reader(Talk):
    """kfk_reader: records holds, by the place's name, what was read since it began."""

    def __init__(self, program, *properties):
        self.records = collections.defaultdict(list)
        self.errors = []
        super().__init__([program, BOOTSTRAP, *properties])

    def hear(self, line):
        kind, _, rest = line.partition(" ")
        if kind == "record":
            place, timestamp, key, value = rest.split(" ")
            name, offset, epoch = re.split("[@/]", place)
            self.records[name].append(Record(name, int(offset), int(epoch), int(timestamp), key,
                                             value))
        elif kind == "error":
            self.errors.append(rest)
        else:
            super().hear(line)

    def count(self):
        with self.news:
            return sum(map(len, self.records.values()))

    def until_read(self, name, n):
        self.until(lambda: len(self.records[name]) >= n,
                   f"{len(self.records[name])} records of {name}, not {n}")

    def until_goes_on(self, names, n=1):
        """n more records of each of them."""
        with self.news:
            wanted = {name: len(self.records[name]) + n for name in names}
        self.until(lambda: all(len(self.records[name]) >= wanted[name] for name in names),
                   f"nothing new of some of {names}")

    def until_error(self, n=1):
        self.until(lambda: len(self.errors) >= n, f"{len(self.errors)} errors, not {n}")

    def metric(self, name, *labels):
        """The sum of it over all that have the labels."""
        found = (line.split(" ") for line in self.do("metrics", name))
        return sum(int(words[-1]) for words in found
                   if words[1] == name and set(labels) <= set(words))

    def quit(self):
        error = self.ask("quit")[-1]
        return [error, self.end()]


class Operator(Talk):
    """java/Operate.java"""

    def __init__(self):
        super().__init__([*java("Operate"), BOOTSTRAP])
        self.name = "Operate"

    def until_answer(self, wanted, *words):
        deadline = time.monotonic() + PATIENCE
        while (answer := self.ask(*words)) != [*wanted, ""]:
            if time.monotonic() > deadline:
                raise Failed(f"{' '.join(words)}: {answer}, not {wanted}")
            time.sleep(0.1)
