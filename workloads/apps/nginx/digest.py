"""Asks for every page once, compressed and plain, compares with the file and prints digests of what came."""

import gzip
import hashlib
import os
import urllib.request
from pathlib import Path


def fetch(name: str, encoding: str) -> bytes:
    url = f"http://127.0.0.1:{os.environ['HEAPWISE_PORT']}/{name}"
    request = urllib.request.Request(url, headers={"Accept-Encoding": encoding})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        body = answer.read()
        return gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body


for page in sorted(Path("pages").iterdir()):
    for wanted in ("gzip", "identity"):
        got = fetch(page.name, wanted)
        assert got == page.read_bytes(), f"{page.name} ({wanted}) came back changed"
        print(page.name, wanted, hashlib.sha256(got).hexdigest())
