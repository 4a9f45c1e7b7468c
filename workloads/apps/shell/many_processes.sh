#!/bin/sh
# Many processes that live for a millisecond: what an allocator costs before the first malloc returns.
set -eu
number=0
while [ "$number" -lt 500 ]; do
  number=$((number + 1))
  printf '%s\n' "line $number" | sed 's/line/row/' | tr 'a-z' 'A-Z'
done
