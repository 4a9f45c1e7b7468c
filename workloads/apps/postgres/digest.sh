#!/bin/sh
# Checksums, by the server itself, of what the updates left and of a report over all purchases.
set -eu
. "$HEAPWISE_APP_DIR/where.sh"
exec "$bin/psql" -X -h "$HEAPWISE_RUN_DIR/data" -U postgres -v ON_ERROR_STOP=1 -At \
  -f "$HEAPWISE_APP_DIR/checksum.sql" postgres
