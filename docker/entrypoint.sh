#!/bin/sh
# Starts the broker with what a compose gives: a mounted properties file, KAFKA_* variables, KEY=VALUE arguments.
# The broker reads the variables itself; this script only finds the files. It needs nothing but a shell and BROKER_HOME.
set -eu

BROKER_HOME="${BROKER_HOME:-/opt/broker}"

if [ ! -x "$BROKER_HOME/broker" ]; then
  echo "There is no executable $BROKER_HOME/broker. Set BROKER_HOME to the directory of the published broker." >&2
  exit 1
fi

if [ -n "${CUSTOM_INIT_SCRIPT:-}" ]; then
  eval "$CUSTOM_INIT_SCRIPT"
fi

# A ZooKeeper in this very container is the one that the image stands in for (shims/zookeeper-server-start). Scripts start it in the background, a moment before this.
case "${KAFKA_ZOOKEEPER_CONNECT:-}" in
  localhost:* | 127.0.0.1:*)
    mark="${TMPDIR:-/tmp}/broker-embedded-zookeeper"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      if [ -e "$mark" ]; then
        unset KAFKA_ZOOKEEPER_CONNECT
        break
      fi
      sleep 0.1
    done
    ;;
esac

for file in "${BROKER_CONFIG:-}" /mnt/shared/config/server.properties /bitnami/kafka/config/server.properties; do
  if [ -n "$file" ] && [ -f "$file" ]; then
    set -- --config "$file" "$@"
    break
  fi
done

exec "$BROKER_HOME/broker" "$@"
