#!/bin/sh
# Makes the repository that every run repacks a copy of.
set -eu
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
git init -q --bare --template= --initial-branch=main "$HEAPWISE_SETUP_DIR/history.git"
/usr/bin/python3 "$HEAPWISE_APP_DIR/make_history.py" |
  git -C "$HEAPWISE_SETUP_DIR/history.git" fast-import --quiet --done
