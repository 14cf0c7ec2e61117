#!/usr/bin/env bash
# Installs the real clients that the end-to-end tests drive: from Debian's packages and the npm registry. Does nothing where they are there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

packages=()
command -v kcat >/dev/null || packages+=(kcat)
command -v javac >/dev/null || packages+=(default-jdk-headless)   # small Java programs are compiled for the clients they drive
[ -e /usr/share/java/zookeeper.jar ] || packages+=(libzookeeper-java)
command -v node >/dev/null || packages+=(nodejs npm)
command -v ip >/dev/null || packages+=(iproute2)
command -v nft >/dev/null || [ -e /usr/sbin/nft ] || packages+=(nftables)   # cuts the networks of brokers
docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || packages+=(docker-compose)
command -v cc >/dev/null || packages+=(gcc libc6-dev)
[ -e /usr/include/zlib.h ] || packages+=(zlib1g-dev)   # links the native broker
/usr/bin/python3 -c 'import kafka' 2>/dev/null || packages+=(python3-kafka)
/usr/bin/python3 -c 'import confluent_kafka' 2>/dev/null || packages+=(python3-confluent-kafka)
for codec in lz4 snappy zstandard; do
  /usr/bin/python3 -c "import $codec" 2>/dev/null || packages+=("python3-$codec")
done
if [ ${#packages[@]} -gt 0 ]; then
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  echo "Installing ${packages[*]}"
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

[ -d "$here/EndToEnd/clients/node/node_modules/kafkajs" ] || (cd "$here/EndToEnd/clients/node" && npm ci --silent --no-audit --no-fund)
