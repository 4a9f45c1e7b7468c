#!/bin/sh
# Fills the server with keys of mixed sizes, then asks redis-benchmark for the rate and the tail of small
# requests. A thousand keys, each hit hundreds of times, all exist afterwards whatever order they were drawn in.
set -eu
redis-cli -s redis.sock --pipe <"$HEAPWISE_SETUP_DIR/requests" | grep '^errors: 0,'
redis-benchmark -s redis.sock --csv -t set,get -n 300000 -r 1000 -d 100 -c 16 -P 8
