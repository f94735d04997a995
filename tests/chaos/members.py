"""The programs of a run, as processes that are listened to. Part of ./groups."""

import json
import os
import signal
import subprocess
import threading
import time

import history
from history import now_ms

SESSION = 6.0
HEARTBEAT = 0.5
METADATA_AGE = 2.0
PATIENCE = 60
JAVA_CLASS = "org.apache.kafka.tools.VerifiableConsumer"
STRATEGY = {
    "range": "org.apache.kafka.clients.consumer.RangeAssignor",
    "cooperative": "org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
}


class Program:
    """A thread reads what it prints, under the lock of `news`; all of it is kept in FOLDER."""

    def __init__(self, name, command, folder, news):
        self.name = name
        self.news = news
        self.status = None
        self.trace = open(os.path.join(folder, name + ".out"), "w", encoding="utf-8")
        with open(os.path.join(folder, name + ".err"), "w", encoding="utf-8") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=errors, text=True, errors="replace")
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        for line in self.process.stdout:
            self.trace.write(line)
            with self.news:
                # The last line of one that was killed may lack its end.
                if line.endswith("\n"):
                    self.hear(line.rstrip("\n"))
                self.news.notify_all()
        self.trace.close()
        status = self.process.wait()
        with self.news:
            self.status = status
            self.over()
            self.news.notify_all()

    def send(self, signum):
        if self.process.poll() is None:
            self.process.send_signal(signum)

    def wait(self, seconds):
        """Its exit status, or None: it still runs."""
        self.thread.join(seconds)
        return self.status

    def close(self, seconds):
        self.send(signal.SIGTERM)
        return self.wait(seconds)

    def kill(self):
        self.send(signal.SIGKILL)
        self.wait(PATIENCE)


class Producer(Program):
    def __init__(self, *args):
        self.written = {}
        self.errors_told = []
        super().__init__(*args)

    def hear(self, line):
        event = json.loads(line)
        if event["name"] == "producer_send_success":
            self.written[event["partition"], event["offset"]] = event["value"]
        elif event["name"] == "producer_send_error":
            self.errors_told.append(line)

    def over(self):
        pass


class Member(Program, history.Member):
    """kfk-verifiable-consumer, or what prints the same."""

    END_STATUS = 128 + signal.SIGTERM

    def __init__(self, name, command, folder, group):
        history.Member.__init__(self, group, name)
        with group.news:
            group.members.append(self)
        Program.__init__(self, name, command, folder, group.news)

    def hear(self, line):
        try:
            event = json.loads(line)
        except ValueError:
            return self.wrong(f"printed {line[:200]}")
        hear = getattr(self, "hear_" + event["name"], None)
        return hear and hear(event["timestamp"], event)

    def hear_partitions_assigned(self, when, event):
        self.assigned(when, [p["partition"] for p in event["partitions"]])

    def hear_partitions_revoked(self, when, event):
        self.revoked(when, [p["partition"] for p in event["partitions"]])

    def hear_record_data(self, _when, event):
        self.read(event["partition"], event["offset"], event["value"])

    def hear_records_consumed(self, _when, event):
        for p in event["partitions"]:
            self.summed_up(p["partition"], p["count"], p["minOffset"], p["maxOffset"])

    def hear_offsets_committed(self, when, event):
        error = None if event["success"] else event.get("error", "?")
        for p in event["offsets"]:
            self.committed(when, p["partition"], p["offset"], error)

    def over(self):
        self.end(now_ms())

    def pause(self):
        self.send(signal.SIGSTOP)

    def resume(self):
        self.send(signal.SIGCONT)


class Recipes:
    """How programs are started."""

    def __init__(self, programs, folder, bootstrap, topic):
        self.programs = programs
        self.folder = folder
        self.bootstrap = bootstrap
        self.topic = topic

    def properties(self, name, *lines):
        path = os.path.join(self.folder, name + ".properties")
        with open(path, "w", encoding="utf-8") as f:
            f.write("".join(line + "\n" for line in lines))
        return path

    def producer(self, rate, news):
        config = self.properties("producer", "enable.idempotence=true", "retries=2147483647",
                                 "delivery.timeout.ms=300000", "linger.ms=200",
                                 f"metadata.max.age.ms={METADATA_AGE * 1000:.0f}")
        command = [os.path.join(self.programs, "kfk-verifiable-producer"),
                   "--bootstrap-server", self.bootstrap, "--topic", self.topic,
                   "--throughput", str(rate), "--repeating-keys", "1000",
                   "--command-config", config]
        return Producer("producer", command, self.folder, news)

    def member(self, program, kind, name, instance, group_id, group):
        """program: kfk or java; instance: of a static member, or None."""
        return getattr(self, program)(kind, name, instance, group_id, group)

    def options(self, kind, name, instance, group_id):
        lines = [f"client.id={name}", f"metadata.max.age.ms={METADATA_AGE * 1000:.0f}"]
        if not kind.is_modern:
            lines.append(f"heartbeat.interval.ms={HEARTBEAT * 1000:.0f}")
        options = ["--bootstrap-server", self.bootstrap, "--topic", self.topic, "--group-id", group_id,
                   "--verbose", "--command-config", self.properties(name, *lines)]
        if instance:
            options += ["--group-instance-id", instance]
        if kind.is_modern:
            return [*options, "--group-protocol", "consumer"]
        return [*options, "--session-timeout", f"{SESSION * 1000:.0f}",
                "--assignment-strategy", STRATEGY[kind.assignor]]

    def kfk(self, kind, name, instance, group_id, group):
        program = os.path.join(self.programs, "kfk-verifiable-consumer")
        return Member(name, [program, *self.options(kind, name, instance, group_id)], self.folder, group)

    def java(self, kind, name, instance, group_id, group):
        command = ["java", "@" + os.environ["KFK_KAFKA_ARGS"], "-Xmx96m", JAVA_CLASS,
                   *self.options(kind, name, instance, group_id)]
        return Member(name, command, self.folder, group)
