"""A cluster is a folder: its nodes' folders, their properties, how they start. Part of ./kafka."""

import base64
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
import uuid

import jars
from jars import TOOLS_VERSION, Failure, archive_of, classpath, find_java, is_kraft, read, write
from probe import api_versions, brokers_known, free_ports, listens
from process import Process

START_SECONDS = 90


class Clash(Failure):
    """A port was taken by somebody else meanwhile: worth another try."""


# ---- properties ----

def common_properties(n):
    copies = min(n, 3)
    properties = {
        "num.network.threads": 2,
        "num.io.threads": 4,
        "offsets.topic.num.partitions": 8,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": min(copies, 2),
        "share.coordinator.state.topic.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": min(copies, 2),
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "group.consumer.min.session.timeout.ms": 1000,
        "group.consumer.session.timeout.ms": 6000,
        "group.consumer.min.heartbeat.interval.ms": 500,
        "group.consumer.heartbeat.interval.ms": 1000,
        "log.cleaner.dedupe.buffer.size": 2 * 1024 * 1024,
        # Records with old timestamps must not vanish while a test reads them.
        "log.retention.check.interval.ms": 24 * 3600 * 1000,
    }
    if n > 1:
        properties["default.replication.factor"] = copies
        properties["min.insync.replicas"] = 2
    return properties


def kraft_properties(node_id, ports, controller_ports):
    voters = ",".join(f"{i}@127.0.0.1:{port}" for i, port in enumerate(controller_ports, 1))
    mine, control = ports[node_id - 1], controller_ports[node_id - 1]
    return {
        "process.roles": "broker,controller",
        "node.id": node_id,
        "listeners": f"PLAINTEXT://127.0.0.1:{mine},CONTROLLER://127.0.0.1:{control}",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": voters,
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
    }


def zookeeper_properties(node_id, ports, zookeeper_port):
    return {
        "broker.id": node_id,
        "listeners": f"PLAINTEXT://127.0.0.1:{ports[node_id - 1]}",
        "zookeeper.connect": f"127.0.0.1:{zookeeper_port}",
        "zookeeper.session.timeout.ms": 3000,
    }


def write_properties(path, properties):
    write(path, "".join(f"{key}={value}\n" for key, value in properties.items()))


def read_properties(path):
    return dict(line.split("=", 1) for line in read(path).splitlines())


# ---- nodes ----

class Node(Process):
    @property
    def id(self):
        return int(self.name.rpartition("-")[2])

    @property
    def port(self):
        listeners = read_properties(self.path("server.properties"))["listeners"]
        return int(re.search(r":(\d+)", listeners).group(1))

    def answers(self):
        return api_versions(self.port)

    def wait_until(self, ready, deadline):
        """ready() is polled; a process that ended, or the deadline, is a Failure."""
        while not ready():
            if not self.pid():
                raise self.failure("ended while starting")
            if time.monotonic() > deadline:
                raise self.failure(f"does not answer after {START_SECONDS} s")
            time.sleep(0.02)

    def failure(self, what):
        log = self.log()
        kind = Clash if "Address already in use" in log or "NodeExists" in log else Failure
        errors = [line for line in log.splitlines() if "ERROR" in line or "Exception" in line]
        last_words = ["  " + line for line in (errors or log.splitlines())[-5:]]
        return kind("\n".join([f"{self.name} {what}; from {self.path('log')}:", *last_words]))


class Cluster:
    def __init__(self, folder):
        self.folder = os.path.abspath(folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    @classmethod
    def open(cls, folder):
        cluster = cls(folder)
        if not os.path.exists(cluster.path("cluster")):
            raise Failure(f"{folder} is no folder of kafka start's")
        return cluster

    def create(self, version, home, n, extra, warm=False):
        """Writes the folder. Nothing runs yet."""
        if os.path.isdir(self.folder) and os.listdir(self.folder):
            raise Failure(f"{self.folder} is not empty")
        os.makedirs(self.folder, exist_ok=True)
        self.save(version, home, warm)
        ports = free_ports(2 * n)
        ports, others = ports[:n], ports[n:]
        for node_id in range(1, n + 1):
            os.makedirs(self.path(f"node-{node_id}", "data"))
            node = Node(self.path(f"node-{node_id}"))
            own = (kraft_properties(node_id, ports, others) if is_kraft(version)
                   else zookeeper_properties(node_id, ports, others[0]))
            given = {key: value.replace("{node}", str(node_id)) for key, value in extra.items()}
            write_properties(node.path("server.properties"), {
                **common_properties(n), **own, "log.dirs": node.path("data"), **given})
        if is_kraft(version):
            self.format(warm)
        else:
            self.create_zookeeper(others[0])

    def save(self, version, home, warm):
        write_properties(self.path("cluster"), {
            "version": version, "home": home, "warm": int(warm)})

    def load(self):
        saved = read_properties(self.path("cluster"))
        return saved["version"], saved["home"], saved["warm"] == "1"

    def nodes(self):
        folders = (name for name in os.listdir(self.folder) if name.startswith("node-"))
        return sorted((Node(self.path(name)) for name in folders), key=lambda node: node.id)

    def node(self, node_id):
        for node in self.nodes():
            if str(node.id) == node_id:
                return node
        raise Failure(f"{self.folder} has no node {node_id}")

    def zookeeper(self):
        return Process(self.path("zookeeper"))

    def format(self, warm):
        """What StorageTool would write into each node's folder; its one file that is not plain text
        is the same for all clusters of a version, and made by it, once."""
        home = self.load()[1]
        checkpoint = os.path.join(home, "bootstrap.checkpoint")
        cluster_id = short_uuid()
        if warm:
            node = self.nodes()[0]
            self.storage_tool(home, node, cluster_id)
            shutil.copyfile(node.path("data/bootstrap.checkpoint"), checkpoint)
            return
        for node in self.nodes():
            shutil.copyfile(checkpoint, node.path("data/bootstrap.checkpoint"))
            write_properties(node.path("data/meta.properties"), {
                "version": 1,
                "cluster.id": cluster_id,
                "node.id": node.id,
                "directory.id": short_uuid(),
            })

    def storage_tool(self, home, node, cluster_id):
        done = subprocess.run(
            [find_java(), "@" + os.path.join(home, "java.args"), "kafka.tools.StorageTool",
             "format", "-t", cluster_id, "-c", node.path("server.properties")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise Failure("Kafka's StorageTool failed:\n" + done.stdout)

    def create_zookeeper(self, port):
        os.makedirs(self.path("zookeeper", "data"))
        write_properties(self.path("zookeeper", "zk.properties"), {
            "dataDir": self.path("zookeeper", "data"),
            "clientPort": port,
            "clientPortAddress": "127.0.0.1",
            "tickTime": 1000,
            "maxClientCnxns": 0,
            "admin.enableServer": "false",
        })

    def start_all(self, tied=False):
        version, home, _ = self.load()
        deadline = time.monotonic() + START_SECONDS
        if not is_kraft(version):
            self.start_zookeeper(home, tied)
        nodes = self.nodes()
        for node in nodes:
            self.spawn(node, tied)
        for node in nodes:
            node.wait_until(node.answers, deadline)
            node.wait_until(lambda n=node: brokers_known(n.port) == len(nodes), deadline)
        self.write_env(version, nodes)

    def start_zookeeper(self, home, tied):
        """A broker that comes before it would wait for a second."""
        process = self.zookeeper()
        config = process.path("zk.properties")
        process.spawn(home, [], ["org.apache.zookeeper.server.quorum.QuorumPeerMain", config], tied)
        deadline = time.monotonic() + START_SECONDS
        while not listens(int(read_properties(config)["clientPort"])):
            if not process.pid() or time.monotonic() > deadline:
                raise Clash(f"ZooKeeper does not start; from {process.path('log')}:\n"
                            + process.log()[-500:])
            time.sleep(0.02)

    def spawn(self, node, tied):
        _, home, warm = self.load()
        archive = ["-XX:ArchiveClassesAtExit=" + archive_of(home)] if warm else []
        node.spawn(home, archive, ["kafka.Kafka", node.path("server.properties")], tied)

    def restart(self, node):
        node.terminate()
        deadline = time.monotonic() + START_SECONDS
        while True:
            self.spawn(node, tied=False)
            try:
                return node.wait_until(node.answers, deadline)
            except Clash:
                # ZooKeeper still believes in the node that was killed, until its session ends.
                if time.monotonic() > deadline:
                    raise
                os.replace(node.path("log"), node.path("log.1"))
                time.sleep(0.5)

    def write_env(self, version, nodes):
        variables = self.env(version, nodes)
        write(self.path("env"), "".join(f"{k}={shlex.quote(v)}\n" for k, v in variables.items()))

    def env(self, version, nodes):
        tools = fetch(TOOLS_VERSION) if version != TOOLS_VERSION else self.load()[1]
        bootstrap = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        variables = {
            "BOOTSTRAP": bootstrap,
            "KFK_BOOTSTRAP": bootstrap,
            "KFK_KAFKA_VERSION": version,
            "KFK_KAFKA_DIR": self.folder,
            "KFK_KAFKA_CLASSPATH": classpath(tools),
            "KFK_KAFKA_ARGS": os.path.join(tools, "java.args"),
        }
        for node in nodes:
            variables[f"NODE_{node.id}_PORT"] = str(node.port)
            variables[f"NODE_{node.id}_PID"] = str(node.pid())
        return variables

    def read_env(self):
        lines = read(self.path("env")).splitlines()
        return dict(shlex.split(line)[0].split("=", 1) for line in lines)

    def kill_all(self):
        for process in [*self.nodes(), self.zookeeper()]:
            process.kill()


def short_uuid():
    """As Kafka writes them, and not beginning with '-', which its tools take for an option."""
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return short_uuid() if text.startswith("-") else text


def fetch(version):
    return jars.fetch(version, warm_up)


def warm_up(version, home):
    """Runs the version once, to keep what every later start can skip: KRaft's format step (1 s) and
    most of the class loading (2 s), the latter as a class archive, which only speeds things up."""
    with tempfile.TemporaryDirectory(prefix="kfk-kafka-") as tmp:
        cluster = Cluster(os.path.join(tmp, "c"))
        cluster.create(version, home, 1, {}, warm=True)
        try:
            cluster.start_all()
            cluster.nodes()[0].terminate()
        finally:
            cluster.kill_all()


def start(version, n, folder, extra, tied=False):
    home = fetch(version)
    fetch(TOOLS_VERSION)
    cluster = Cluster(folder)
    for attempts_left in (2, 1, 0):
        cluster.create(version, home, n, extra)
        try:
            cluster.start_all(tied)
            return cluster
        except BaseException as e:
            cluster.kill_all()
            again = isinstance(e, Clash) and attempts_left
            # A broker's failure names its log, which therefore stays; else nothing is left.
            if again or not isinstance(e, Failure):
                shutil.rmtree(cluster.folder)
            if not again:
                raise
