"""Builds, sorts, joins and drops many small Python objects; with PYTHONMALLOC=malloc each is a malloc."""

import json
import random

random.seed(1)
generation: list[dict[str, object]] = []
digest = 0
for round_number in range(6):
    records = [
        {"key": f"k{i * 7919 % 65521}", "values": [random.random() for _ in range(i % 9)], "text": "x" * (i % 200)}
        for i in range(25000)
    ]
    records.sort(key=lambda record: record["key"])
    text = json.dumps(records)
    digest = (digest * 31 + sum(len(record["text"]) for record in json.loads(text)) + len(text)) % 1000000007
    generation = records[round_number::3]
print(digest, len(generation))
