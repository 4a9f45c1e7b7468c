#!/bin/sh
# Writes with one thread, because two would race for which value of a key is the last; reads with two.
# Small tables, so that flushes and compactions run in the background; the cache holds about half of the data.
set -eu
shared="--db=db --num=100000 --value_size=200 --seed=1 --disable_wal=true
  --write_buffer_size=4194304 --target_file_size_base=2097152 --cache_size=8388608 --bloom_bits=10
  --statistics=false --stats_interval_seconds=0"
# shellcheck disable=SC2086
db_bench $shared --threads=1 --benchmarks=fillrandom,overwrite,compact
# shellcheck disable=SC2086
exec db_bench $shared --threads=2 --use_existing_db=true --reads=50000 --benchmarks=readrandom,seekrandom
