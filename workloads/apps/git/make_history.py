"""Prints a history for `git fast-import`: one branch, files that change line by line, dates counted from zero.

The same bytes on every machine, so every object has the same name everywhere.
"""

import random
import sys

FILES_COUNT = 300
COMMITS_COUNT = 1500
CHANGES_A_COMMIT = 4
WHO = "Author <author@example.org>"


def emit(text: str) -> None:
    sys.stdout.write(text)


def emit_data(text: str) -> None:
    emit(f"data {len(text)}\n{text}\n")


def main() -> None:
    random.seed(1)
    words = ["".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=random.randint(2, 10))) for _ in range(3000)]

    def line() -> str:
        return " ".join(random.choices(words, k=random.randint(3, 12)))

    files = [[line() for _ in range(random.randint(20, 400))] for _ in range(FILES_COUNT)]
    for number in range(1, COMMITS_COUNT + 1):
        changed = range(FILES_COUNT) if number == 1 else random.sample(range(FILES_COUNT), CHANGES_A_COMMIT)
        emit(f"commit refs/heads/main\ncommitter {WHO} {number * 60} +0000\n")
        emit_data(f"change {number}: {line()}")
        for index in changed:
            lines = files[index]
            for _ in range(random.randint(1, 8)):
                lines[random.randrange(len(lines))] = line()
            lines.insert(random.randrange(len(lines)), line())
            emit(f"M 100644 inline folder{index % 17}/file{index}.txt\n")
            emit_data("\n".join(lines) + "\n")
    emit("done\n")


main()
