"""A server for tests, and its client: counts requests over a Unix socket.

    small_server.py serve SOCKET [daemon] [deaf] [mute] [crash]    small_server.py ask SOCKET TIMES

daemon  leaves by a double fork and a session of its own      deaf   does not heed SIGTERM
mute    never opens its socket                                crash  ends by SIGSEGV at the first request
"""
from __future__ import annotations

import os
import signal
import socket
import sys
import time


def serve(path: str, habits: list[str]) -> None:
    if "daemon" in habits:
        if os.fork() > 0:
            os._exit(0)
        os.setsid()
        if os.fork() > 0:
            os._exit(0)
    if "deaf" in habits:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while "mute" in habits:
        time.sleep(1)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(16)
    served = 0
    kept: list[bytes] = []
    while True:
        connection, _ = listener.accept()
        while request := connection.recv(64):
            if "crash" in habits:
                os.kill(os.getpid(), signal.SIGSEGV)
            if request.startswith(b"put"):
                served += 1
                kept.append(b"x" * 100_000)
            connection.sendall(b"%d\n" % served)


def ask(path: str, times: int) -> None:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    answer = b""
    for _ in range(times):
        connection.sendall(b"put\n")
        answer = connection.recv(64)
        if not answer:
            sys.exit("the server hung up")
    print(f"asked={times} answer={answer.decode().strip() if times else 'none'}")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], sys.argv[3:])
    else:
        ask(sys.argv[2], int(sys.argv[3]))
