"""Writes requests for `redis-cli --pipe` to the path given: strings of mixed sizes, set and deleted; hashes; lists.

Value sizes are those of a key-value cache (generalized Pareto, sigma 214.476, k 0.348238: Atikoglu et al.,
"Workload Analysis of a Large-Scale Key-Value Store", SIGMETRICS 2012), cut at 16 KiB.
"""

import random
import sys

REQUESTS_COUNT = 250_000
KEYS_COUNT = 60_000
LARGEST_VALUE_BYTES = 16384


def value_bytes() -> int:
    uniform = 1 - random.random()
    return min(LARGEST_VALUE_BYTES, 1 + int(214.476 / 0.348238 * (uniform**-0.348238 - 1)))


def request(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def main() -> None:
    random.seed(1)
    noise = random.randbytes(LARGEST_VALUE_BYTES * 2)
    with open(sys.argv[1], "wb") as output:
        for _ in range(REQUESTS_COUNT):
            key = b"%d" % random.randrange(KEYS_COUNT)
            start = random.randrange(LARGEST_VALUE_BYTES)
            value = noise[start:start + value_bytes()]
            choice = random.random()
            if choice < 0.60:
                output.write(request(b"SET", b"string:" + key, value))
            elif choice < 0.80:
                output.write(request(b"DEL", b"string:" + key))
            elif choice < 0.90:
                output.write(request(b"HSET", b"hash:" + key[:3], b"field:" + key, value[:200]))
            else:
                output.write(request(b"LPUSH", b"list:" + key[:2], value[:100]))


main()
