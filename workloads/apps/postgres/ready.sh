#!/bin/sh
. "$HEAPWISE_APP_DIR/where.sh"
exec "$bin/pg_isready" -q -h "$HEAPWISE_RUN_DIR/data"
