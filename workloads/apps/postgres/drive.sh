#!/bin/sh
# One thread a client, or which script a client draws would depend on who was faster.
set -eu
. "$HEAPWISE_APP_DIR/where.sh"
exec "$bin/pgbench" -h "$HEAPWISE_RUN_DIR/data" -U postgres -n -c 2 -j 2 -t 600 --random-seed=1 \
  -f "$HEAPWISE_APP_DIR/transfer.sql@8" -f "$HEAPWISE_APP_DIR/report.sql@1" \
  -f "$HEAPWISE_APP_DIR/documents.sql@1" postgres
