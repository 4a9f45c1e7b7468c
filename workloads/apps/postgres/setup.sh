#!/bin/sh
# Makes the data directory that every run gets a copy of, without ever starting a server.
set -eu
. "$HEAPWISE_APP_DIR/where.sh"
data=$HEAPWISE_SETUP_DIR/data
mkdir -m 0700 "$data"
[ -z "$as_server" ] || chown postgres:postgres "$data"
cd "$data"
$as_server "$bin/initdb" -D "$data" -U postgres --auth=trust --no-locale --encoding=UTF8 --no-sync --wal-segsize=1
$as_server "$bin/postgres" --single -j -F -D "$data" postgres <"$HEAPWISE_APP_DIR/tables.sql"
