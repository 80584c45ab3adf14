#!/bin/sh
# Runs CMD with the rights the bed needs (namespaces, links, mounts).
# Root already: just CMD. Otherwise CMD becomes root of a user namespace with a network and mounts of its own;
# `ip netns` keeps its names below /run, which that root cannot write, so a tmpfs covers it there.
# There is no way out to the Internet from in there: fetch first (`cargo run -p bed --bin bed-fetch`).
set -eu
if [ $# -eq 0 ]; then
    echo "usage: $0 CMD [ARG...]" >&2
    exit 64
fi
if [ "$(id -u)" -eq 0 ]; then
    exec "$@"
fi
# shellcheck disable=SC2016 # $@ is for the inner shell
exec unshare --user --map-root-user --net --mount -- \
    sh -c 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"' sh "$@"
