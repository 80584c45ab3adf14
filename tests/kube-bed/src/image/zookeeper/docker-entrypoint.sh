#!/bin/bash
# Gives a server whose data directory is empty its id, and starts it.
set -e
if [ ! -f "$ZOO_CONF_DIR/zoo.cfg" ]; then
  echo "there is no $ZOO_CONF_DIR/zoo.cfg, and this stand-in makes none" >&2
  exit 1
fi
[ -f "$ZOO_DATA_DIR/myid" ] || echo "${ZOO_MY_ID:-1}" > "$ZOO_DATA_DIR/myid"
exec "$@"
