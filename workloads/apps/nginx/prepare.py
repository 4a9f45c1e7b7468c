"""Writes nginx.conf with the port filled in and the pages that are asked for; the same bytes for every run."""

import os
import random
from pathlib import Path

PAGES_BYTES = (2_000, 12_000, 40_000, 90_000)


def main() -> None:
    random.seed(1)
    words = ["".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=random.randint(2, 10))) for _ in range(2000)]
    template = (Path(os.environ["HEAPWISE_APP_DIR"]) / "nginx.conf").read_text()
    Path("nginx.conf").write_text(template.replace("PORT", os.environ["HEAPWISE_PORT"]))
    Path("pages").mkdir()
    for number, size in enumerate(PAGES_BYTES):
        Path(f"pages/{number}.txt").write_text(" ".join(random.choices(words, k=size // 3))[:size])


main()
