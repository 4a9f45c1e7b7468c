"""Prints the server's own counts of what it stores and was asked; drive.py has compared the replies already."""

import socket

COUNTS = ("curr_items", "total_items", "bytes", "cmd_get", "get_hits", "evictions")

with socket.socket(socket.AF_UNIX) as connection:
    connection.connect("memcached.sock")
    connection.sendall(b"stats\r\n")
    answer = ""
    while not answer.endswith("END\r\n"):
        part = connection.recv(65536)
        assert part, "the server closed the connection"
        answer += part.decode()
counts = dict(line.split()[1:3] for line in answer.splitlines() if line.startswith("STAT "))
for name in COUNTS:
    print(name, counts[name])
