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

for file in "${BROKER_CONFIG:-}" /mnt/shared/config/server.properties /bitnami/kafka/config/server.properties; do
  if [ -n "$file" ] && [ -f "$file" ]; then
    set -- --config "$file" "$@"
    break
  fi
done

exec "$BROKER_HOME/broker" "$@"
