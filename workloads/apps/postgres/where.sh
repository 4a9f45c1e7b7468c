#!/bin/sh
# Read by the other scripts: `bin` is the newest PostgreSQL here, `as_server` what starts a program as the user
# that may run it: PostgreSQL refuses root, and setpriv keeps the environment, so a preloaded library too.
for bin in /usr/lib/postgresql/*/bin; do :; done
as_server=""
if [ "$(id -u)" = 0 ]; then
  as_server="setpriv --reuid=postgres --regid=postgres --clear-groups"
fi
