#!/bin/bash
# Starts a server, in the foreground. Blanks in these variables separate arguments, so they are not quoted.
[ "$1" = start-foreground ] || { echo "usage: $0 start-foreground" >&2; exit 1; }
exec java "-Dzookeeper.log.dir=$ZOO_LOG_DIR" "-Xmx${ZK_SERVER_HEAP:-1000}m" $SERVER_JVMFLAGS $JVMFLAGS \
  -cp "$ZOO_CONF_DIR:/apache-zookeeper/lib/*" org.apache.zookeeper.server.quorum.QuorumPeerMain "$ZOO_CONF_DIR/zoo.cfg"
