#!/bin/sh
# A small server whose socket and shared memory live in the data directory; sorts and hashes fit in memory.
set -eu
. "$HEAPWISE_APP_DIR/where.sh"
cd data
exec $as_server "$bin/postgres" -D "$HEAPWISE_RUN_DIR/data" -k "$HEAPWISE_RUN_DIR/data" -F \
  -c listen_addresses= -c shared_buffers=16MB -c work_mem=16MB -c max_connections=10 -c autovacuum=off -c jit=off \
  -c full_page_writes=off -c synchronous_commit=off -c max_parallel_workers_per_gather=0 \
  -c dynamic_shared_memory_type=mmap
