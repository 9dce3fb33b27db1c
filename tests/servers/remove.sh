#!/usr/bin/env bash
# Removes what install.sh installed, but no package of the system.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/servers/lib.sh
. tests/servers/lib.sh

servers=${BARKEEP_SERVERS:-target/servers}
[ -e "$servers" ] || exit 0
# It may be a link that leads out of a checkout the user `postgres` cannot enter.
place=$(readlink -f "$servers")
[ -O "$place" ] || [ "$(id -u)" = 0 ] || die "$place is another user's; run this as $(stat -c %U "$place")"
for server in moto azurite gcs-emulator barman chromium postgres-1{3,4,5,6,7,8} VERSIONS; do
    rm -rf "${place:?}/$server"
done
rmdir "$place" 2>/dev/null || die "there is more in $place than was installed; look at it and remove it by hand"
[ ! -L "$servers" ] || rm "$servers"
