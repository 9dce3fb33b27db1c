#!/usr/bin/env bash
# Lays both images out in target/image, without a container engine, and says how large they are: a table for
# the README. `MANAGER` may name the plugin's own binary, which is then counted in; `BARKEEP_BINARY` another
# build than the static one made here.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/servers/lib.sh

# The bytes of all files, a link counted by its name.
bytes() { find "$1" ! -type d -printf '%s\n' | awk '{ sum += $1 } END { print sum }'; }

# What a registry keeps of it, and a node downloads.
packed_bytes() { tar --sort=name --owner=0 --group=0 --numeric-owner -C "$1" -c . | gzip -9 | wc -c; }

mib() { awk -v bytes="$1" 'BEGIN { printf "%.1f MiB", bytes / 1048576 }'; }

binary=${BARKEEP_BINARY:-$(static_binary)}
certificates=/etc/ssl/certs/ca-certificates.crt
[ -e "$certificates" ] || apt_install ca-certificates
fresh_dir target/image

echo '| image | on disk | to download |'
echo '|---|---|---|'
for image in barkeep cnpg-sidecar; do
    root=target/image/$image
    what="\`$image\`"
    image/lay-out.sh "$image" "$binary" "$certificates" "$root"
    if [ "$image" = cnpg-sidecar ]; then
        if [ -n "${MANAGER:-}" ]; then
            install -m 755 "$MANAGER" "$root/manager"
        else
            what="$what, without the plugin's own \`/manager\`"
        fi
    fi
    echo "| $what | $(mib "$(bytes "$root")") | $(mib "$(packed_bytes "$root")") |"
done
