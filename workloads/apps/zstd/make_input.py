"""Writes text that compresses like a log to the path given; the same bytes on every machine."""

import random
import sys

LINES_COUNT = 900_000

random.seed(1)
words = ["".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=random.randint(3, 11))) for _ in range(4000)]
lines = [" ".join(random.choices(words, k=random.randint(4, 9))) for _ in range(6000)]
with open(sys.argv[1], "w", encoding="ascii") as output:
    for number in range(LINES_COUNT):
        output.write(f"{number * 37} {lines[int(random.random() ** 2 * len(lines))]} {random.getrandbits(24):x}\n")
