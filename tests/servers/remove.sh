#!/usr/bin/env bash
# Removes what install.sh installed, but no package of the system.
set -euo pipefail
cd "$(dirname "$0")/../.."

servers=${BARKEEP_SERVERS:-target/servers}
[ -e "$servers" ] || exit 0
# It may be a link that leads out of a checkout the user `postgres` cannot enter.
place=$(readlink -f "$servers")
for server in moto postgres-18 postgres-13 VERSIONS; do
    rm -rf "${place:?}/$server"
done
rmdir "$place"
[ ! -L "$servers" ] || rm "$servers"
