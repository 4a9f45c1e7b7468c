#!/bin/sh
# Names, types and sizes of all objects after every one was read back; a pack's own bytes depend on the threads.
set -eu
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
git -C history.git fsck --full --strict --no-progress
git -C history.git for-each-ref
git -C history.git count-objects -v | grep -E '^(count|in-pack|packs|garbage):'
git -C history.git cat-file --batch-all-objects --batch-check | sha256sum
