#!/usr/bin/env bash
# Lays out the root file system of an image: image/lay-out.sh TARGET BINARY CERTIFICATES ROOT
#
# TARGET is `barkeep` or `cnpg-sidecar`, BINARY the static binary, CERTIFICATES a bundle of authorities in PEM,
# ROOT a directory that is not there yet. The Dockerfile and `make image-size` both call this, so what is
# measured is what is shipped.
set -euo pipefail
umask 022

target=$1 binary=$2 certificates=$3 root=$4
here=$(cd "$(dirname "$0")/.." && pwd)

# install(1) makes the directories, too; files are for all to read.
file() { install -D -m 644 "$1" "$root$2"; }

mkdir "$root"
install -D -m 755 "$binary" "$root/usr/bin/barkeep"
file "$here/LICENSE" /usr/share/doc/barkeep/LICENSE
file "$certificates" /etc/ssl/certs/ca-certificates.crt

case $target in
barkeep)
    for page in "$here"/man/*.1; do
        file "$page" "/usr/share/man/man1/${page##*/}"
    done
    file "$here/completions/barkeep.bash" /usr/share/bash-completion/completions/barkeep
    file "$here/completions/_barkeep" /usr/share/zsh/site-functions/_barkeep
    file "$here/completions/barkeep.fish" /usr/share/fish/vendor_completions.d/barkeep.fish
    # The spool's default place, and somewhere for temporary files, writable by whoever runs it.
    install -d -m 1777 "$root/tmp"
    ;;
cnpg-sidecar)
    # The names that the plugin's manager looks for on PATH. Relative, so that they hold wherever the
    # root is.
    for name in wal-archive wal-restore backup backup-list backup-show backup-delete backup-keep restore \
        check-wal-archive; do
        ln -s barkeep "$root/usr/bin/barman-cloud-$name"
    done
    ;;
*)
    echo "error: there is no image $target" >&2
    exit 1
    ;;
esac
