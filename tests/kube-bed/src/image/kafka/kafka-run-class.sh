#!/bin/sh
# Runs one of Kafka's classes: kafka-run-class.sh CLASS [ARGUMENT]...
# Blanks in these variables separate arguments, so they are not quoted.
[ $# -gt 0 ] || { echo "usage: $0 class [argument]..." >&2; exit 1; }
base=$(cd "$(dirname "$0")/.." && pwd)
logs=${LOG_DIR:-$base/logs}
[ -d "$logs" ] || mkdir -p "$logs"
[ -z "$KAFKA_GC_LOG" ] || gc="-Xlog:gc*:file=$logs/$KAFKA_GC_LOG:time,tags:filecount=10,filesize=100M"
exec "${JAVA_HOME:-/opt/java/openjdk}/bin/java" \
  ${KAFKA_HEAP_OPTS:--Xmx256M} \
  ${KAFKA_JVM_PERFORMANCE_OPTS:--server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true} \
  $gc $KAFKA_JMX_OPTS \
  ${KAFKA_LOG4J_OPTS:--Dlog4j2.configurationFile=$base/config/log4j2.properties} \
  "-Dkafka.logs.dir=$logs" -cp "${CLASSPATH:+$CLASSPATH:}$base/libs/*" $KAFKA_OPTS "$@"
