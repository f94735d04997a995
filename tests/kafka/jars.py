"""Kafka's jars, fetched by Maven into the cache, one folder a version. Part of ./kafka."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS_VERSION = "4.3.1"
FLAGS = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto",
         "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]


class Failure(Exception):
    """Told to the user as it is."""


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("KFK_CACHE") or os.path.join(base, "libkfk")


def home_of(version):
    """Another pom is another folder, so that checkouts that differ can share the cache."""
    with open(pom_of(version), "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()[:8]
    return os.path.join(cache_dir(), f"kafka-{version}-{digest}")


def pom_of(version):
    return os.path.join(HERE, f"pom-{version}.xml")


def version_key(version):
    return [int(part) for part in version.split(".")]


def is_kraft(version):
    return version_key(version) >= [3, 3]


def known_versions():
    found = (re.fullmatch(r"pom-([\d.]+)\.xml", name) for name in os.listdir(HERE))
    return sorted((m.group(1) for m in found if m), key=version_key)


def find_java():
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(os.path.join(home, "bin", "java") if home else "java")
    if not java:
        raise Failure("no java found: install a JDK >= 17 (tools/setup test), or set JAVA_HOME")
    return java


def fetch(version, warm_up):
    """Returns the folder with the version's jars. Of two at once, the second waits for the first.

    warm_up(version, home) may add to the folder; it runs before anybody else sees it.
    """
    if version not in known_versions():
        raise Failure(f"no Kafka {version} here, only {', '.join(known_versions())}")
    home = home_of(version)
    complete = os.path.join(home, "complete")
    if os.path.exists(complete):
        return home
    os.makedirs(cache_dir(), exist_ok=True)
    with locked(home + ".lock"):
        if not os.path.exists(complete):
            shutil.rmtree(home, ignore_errors=True)
            try:
                copy_jars(version, home)
                write(os.path.join(home, "java.args"), argument_file(home))
                warm_up(version, home)
                write(os.path.join(home, "java.args"), argument_file(home, archive_of(home)))
                write(complete, "")
            except BaseException:
                shutil.rmtree(home, ignore_errors=True)
                raise
    return home


@contextlib.contextmanager
def locked(path):
    with open(path, "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def copy_jars(version, home):
    find_java()
    mvn = shutil.which("mvn")
    if not mvn:
        raise Failure("no Maven found, by which Kafka is fetched: install it (tools/setup test)")
    say(f"fetching Kafka {version} into {home}")
    done = subprocess.run(
        [mvn, "-q", "-B", "-Dstyle.color=never", "-f", pom_of(version),
         "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=" + os.path.join(home, "lib")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        errors = [line for line in done.stdout.splitlines() if "[ERROR]" in line]
        raise Failure("\n".join(errors[:1] + [
            f"Maven could not fetch Kafka {version}. It needs a Maven repository: Maven Central "
            "over the network, or a mirror or proxy that ~/.m2/settings.xml names"]))


def classpath(home):
    """Jar by jar and sorted: the JVM takes a class archive only for the very same class path."""
    lib = os.path.join(home, "lib")
    return ":".join(os.path.join(lib, jar) for jar in sorted(os.listdir(lib)))


def archive_of(home):
    return os.path.join(home, "classes.jsa")


def argument_file(home, archive=None):
    """What java takes as @FILE."""
    args = FLAGS + (["-XX:SharedArchiveFile=" + archive] if archive else [])
    return "".join(f'"{arg}"\n' for arg in [*args, "-cp", classpath(home)])


# ---- files ----

def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def write(path, text):
    with open(path + ".tmp", "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(path + ".tmp", path)


def say(text):
    print(f"kafka: {text}", file=sys.stderr, flush=True)
