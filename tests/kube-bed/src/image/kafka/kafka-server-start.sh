#!/bin/sh
# Starts a broker or a controller, in the foreground.
[ $# -gt 0 ] || { echo "usage: $0 server.properties [--override name=value]..." >&2; exit 1; }
export KAFKA_HEAP_OPTS="${KAFKA_HEAP_OPTS:--Xmx1G -Xms1G}"
export KAFKA_GC_LOG="${KAFKA_GC_LOG-kafkaServer-gc.log}"
exec "$(dirname "$0")/kafka-run-class.sh" kafka.Kafka "$@"
