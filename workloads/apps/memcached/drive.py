"""Sends the prepared requests over every connection, a batch at a time, and compares every byte of the replies.

Prints `operations_per_second N`, `batch_p99_us N` and `reply_bytes N`; exits 1 at the first wrong reply.
"""

import json
import os
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

REQUESTS_A_BATCH = 60


@dataclass
class Connection:
    socket: socket.socket
    requests: memoryview
    replies: memoryview
    batches: list[tuple[int, int]]  # bytes of requests, bytes of replies

    def send(self, batch: int) -> None:
        size = self.batches[batch][0]
        self.socket.sendall(self.requests[:size])
        self.requests = self.requests[size:]

    def check_replies(self, batch: int) -> int:
        """Returns how many bytes came."""
        size = self.batches[batch][1]
        got = bytearray()
        while len(got) < size:
            part = self.socket.recv(size - len(got))
            if not part:
                sys.exit("the server closed the connection")
            got += part
        if got != self.replies[:size]:
            sys.exit(f"batch {batch} was answered wrongly")
        self.replies = self.replies[size:]
        return size


def connect(folder: Path, number: str) -> Connection:
    unix_socket = socket.socket(socket.AF_UNIX)
    unix_socket.connect("memcached.sock")
    requests, replies = (memoryview((folder / f"{kind}.{number}").read_bytes()) for kind in ("requests", "replies"))
    return Connection(unix_socket, requests, replies, json.loads((folder / f"batches.{number}").read_text()))


def main() -> None:
    folder = Path(os.environ["HEAPWISE_SETUP_DIR"])
    connections = [connect(folder, file.suffix[1:]) for file in sorted(folder.glob("requests.*"))]
    batches_count = len(connections[0].batches)
    reply_bytes = 0
    latencies = []
    begin = time.perf_counter()
    for batch in range(batches_count):
        started = time.perf_counter()
        for connection in connections:
            connection.send(batch)
        reply_bytes += sum(connection.check_replies(batch) for connection in connections)
        latencies.append(time.perf_counter() - started)
    seconds = time.perf_counter() - begin
    latencies.sort()
    print(f"operations_per_second {batches_count * len(connections) * REQUESTS_A_BATCH / seconds:.0f}")
    print(f"batch_p99_us {latencies[len(latencies) * 99 // 100] * 1e6:.0f}")
    print(f"reply_bytes {reply_bytes}")


main()
