#!/usr/bin/env bash
# Makes the packages in target/dist: a tarball and a .deb of the static binary, an SBOM, and their checksums.
# The same sources and the same compiler give the same bytes: what is packed is sorted, belongs to root, and was
# changed at SOURCE_DATE_EPOCH, which is the time of the last commit when nothing is said.
#   `BARKEEP_BINARY` names another build than the static one made here.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/servers/lib.sh

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
machine=$(uname -m)
case $machine in
x86_64) architecture=amd64 ;;
aarch64) architecture=arm64 ;;
*) die "there is no package for $machine" ;;
esac
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
umask 022

# A tar of what lies below a directory, without the chances of the day.
even_tar() {
    tar --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$1" -c "${@:2}"
}

# A .deb is an ar archive of three members (deb(5)). Made here and not by cargo-deb or dpkg-deb: cargo and a few
# lines of shell are everywhere, the layout is shared with the tarball, and the bytes are the same on every
# host. dist/check.sh has dpkg-deb read it where there is one.
deb() {
    local root=$1 to=$2 parts=$3
    mkdir -p "$parts/control"
    cat >"$parts/control/control" <<EOF
Package: barkeep
Version: $version
Architecture: $architecture
Maintainer: The Barkeep authors <barkeep@localhost.invalid>
Installed-Size: $(du -sk --apparent-size "$root" | cut -f 1)
Section: database
Priority: optional
Suggests: postgresql
Description: keeps PostgreSQL's WAL and base backups safe in object storage
 Barkeep is what PostgreSQL calls as archive_command and restore_command, and what its operators call by hand:
 it archives WAL, takes base backups, restores to any second, and proves that it can.
EOF
    (cd "$root" && find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) >"$parts/control/md5sums"
    printf '2.0\n' >"$parts/debian-binary"
    even_tar "$parts/control" ./control ./md5sums | gzip -9 -n >"$parts/control.tar.gz"
    even_tar "$root" . | xz -6 -T 1 >"$parts/data.tar.xz"
    rm -f "$to"
    # D: no names, no times.
    (cd "$parts" && ar rcD deb.ar debian-binary control.tar.gz data.tar.xz)
    mv "$parts/deb.ar" "$to"
}

binary=${BARKEEP_BINARY:-$(static_binary)}
out=target/dist
fresh_dir "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

name=barkeep-$version-$machine-linux-musl
dist/lay-out.sh tar "$binary" "$work/tar/$name"
even_tar "$work/tar" "$name" | gzip -9 -n >"$out/$name.tar.gz"

dist/lay-out.sh deb "$binary" "$work/deb"
deb "$work/deb" "$out/barkeep_${version}_$architecture.deb" "$work/parts"

dist/sbom.sh "$machine-unknown-linux-musl" "$out/$name.cdx.json"

(cd "$out" && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >"$work/sums")
mv "$work/sums" "$out/SHA256SUMS"
dist/check.sh
ls -l "$out"
