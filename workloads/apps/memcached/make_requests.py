"""Writes each connection's requests in batches and the replies that a correct server gives, into the folder given.

Key and value sizes, and 30 reads for each write, are those of Facebook's ETC pool (values: generalized Pareto,
sigma 214.476, k 0.348238; Atikoglu et al., "Workload Analysis of a Large-Scale Key-Value Store",
SIGMETRICS 2012), with more writes, because reads alone never ask for memory, and values cut at 16 KiB.
"""

import json
import random
import sys
from pathlib import Path

CONNECTIONS_COUNT = 4
BATCHES_COUNT = 2000
REQUESTS_A_BATCH = 60
KEYS_COUNT = 12_000
WRITES_SHARE = 0.3
LARGEST_VALUE_BYTES = 16384


def value_bytes() -> int:
    uniform = 1 - random.random()
    return min(LARGEST_VALUE_BYTES, 1 + int(214.476 / 0.348238 * (uniform**-0.348238 - 1)))


def write_connection(folder: Path, connection: int, noise: bytes) -> None:
    stored: dict[int, bytes] = {}
    batches: list[tuple[int, int]] = []
    with (open(folder / f"requests.{connection}", "wb") as requests,
          open(folder / f"replies.{connection}", "wb") as replies):
        for _ in range(BATCHES_COUNT):
            asked, answered = bytearray(), bytearray()
            for _ in range(REQUESTS_A_BATCH):
                key = int(KEYS_COUNT * random.random() ** 2)
                name = b"%d:%d" % (connection, key)
                if random.random() < WRITES_SHARE:
                    start = random.randrange(LARGEST_VALUE_BYTES)
                    value = stored[key] = noise[start:start + value_bytes()]
                    asked += b"set %s 0 0 %d\r\n%s\r\n" % (name, len(value), value)
                    answered += b"STORED\r\n"
                else:
                    value = stored.get(key)
                    asked += b"get %s\r\n" % name
                    answered += b"" if value is None else b"VALUE %s 0 %d\r\n%s\r\n" % (name, len(value), value)
                    answered += b"END\r\n"
            requests.write(asked)
            replies.write(answered)
            batches.append((len(asked), len(answered)))
    (folder / f"batches.{connection}").write_text(json.dumps(batches))


def main() -> None:
    random.seed(1)
    noise = random.randbytes(LARGEST_VALUE_BYTES * 2)
    for connection in range(CONNECTIONS_COUNT):
        write_connection(Path(sys.argv[1]), connection, noise)


main()
