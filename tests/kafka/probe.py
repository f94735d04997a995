"""Asks a broker, in the protocol: no log line and no listening socket says that it is ready."""

import random
import socket
import struct


def api_versions(port):
    """True if a broker answers there: no listening socket and no log line says as much."""
    return request(port, api_key=18, version=0, body=b"") is not None


def brokers_known(port):
    """How many brokers the one at this port knows of; 0 if it does not answer."""
    no_topics = struct.pack(">i", 0)
    answer = request(port, api_key=3, version=1, body=no_topics)
    return struct.unpack_from(">i", answer, 4)[0] if answer else 0


def request(port, api_key, version, body):
    header = struct.pack(">hhih", api_key, version, 1, -1)
    frame = struct.pack(">i", len(header) + len(body)) + header + body
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as s:
            s.sendall(frame)
            stream = s.makefile("rb")
            size = stream.read(4)
            answer = stream.read(struct.unpack(">i", size)[0]) if len(size) == 4 else b""
            return answer if len(answer) > 4 else None
    except OSError:
        return None


def free_ports(n):
    """Below the ports that the system gives to outgoing connections, so that a node which was
    stopped finds its own free when it is started again."""
    held = []
    try:
        while len(held) < n:
            s = socket.socket()
            held.append(s)
            try:
                s.bind(("127.0.0.1", random.randrange(10000, 32000)))
            except OSError:
                held.pop().close()
        return [s.getsockname()[1] for s in held]
    finally:
        for s in held:
            s.close()


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
        return True
    except OSError:
        return False
