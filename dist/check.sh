#!/usr/bin/env bash
# Tries what `make dist` has made: unpacks both packages, runs the binary, reads a page, compares the checksums,
# and looks for every crate that is linked in the SBOM. What needs a program that is not here is said, not passed over.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/servers/lib.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
machine=$(uname -m)
out=$PWD/target/dist
name=barkeep-$version-$machine-linux-musl
deb=("$out"/barkeep_"$version"_*.deb)

demand() { test "$@" || die "not so: $*"; }

(cd "$out" && sha256sum --quiet --strict -c SHA256SUMS) || die "the checksums do not fit"
demand "$(wc -l <"$out/SHA256SUMS")" = 3

# Runs it without anything around it: no loader, no libraries, no environment.
runs() {
    if command -v ldd >/dev/null; then
        ldd "$1" 2>&1 | grep -q -e 'statically linked' -e 'not a dynamic executable' || die "$1 is not static"
    fi
    # Symbols are a seventh of its size, and serve nobody.
    if command -v readelf >/dev/null && readelf -SW "$1" | grep -q '\.symtab'; then die "$1 is not stripped"; fi
    demand "$(env -i "$1" --version)" = "barkeep $version"
    env -i "$1" --help | grep -q wal-archive || die "$1 does not tell its verbs"
}

# A page that man can read.
reads() {
    if command -v man >/dev/null; then
        MANPAGER=cat man -l "$1" | grep -q archive_command || die "man cannot read $1"
    else
        say "not tried, since there is no man: reading $1"
    fi
}

tar -C "$work" -xzf "$out/$name.tar.gz"
runs "$work/$name/barkeep"
reads "$work/$name/man/barkeep-wal-archive.1"
mapfile -t copied < <(find dashboards examples -type f 2>/dev/null | LC_ALL=C sort)
for file in man/*.1 completions/* LICENSE README.md "${copied[@]}"; do
    cmp "$file" "$work/$name/$file" || die "$file is not in the tarball as it is here"
done
cmp docs/barkeep.toml "$work/$name/barkeep.toml"

mkdir "$work/deb"
if command -v dpkg-deb >/dev/null; then
    demand "$(dpkg-deb --field "${deb[0]}" Version)" = "$version"
    dpkg-deb --info "${deb[0]}" >/dev/null
    dpkg-deb --contents "${deb[0]}" | awk '$2 != "root/root" && $2 != "0/0" { print; bad = 1 } END { exit bad }' ||
        die "what is in the package does not belong to root"
    dpkg-deb --extract "${deb[0]}" "$work/deb"
else
    say "not tried, since there is no dpkg-deb: reading the package as Debian does"
    (cd "$work" && ar x "${deb[0]}" && tar -C deb -xJf data.tar.xz)
fi
if command -v dpkg >/dev/null && [ "$(id -u)" = 0 ]; then
    mkdir -p "$work/root/var/lib/dpkg/"{info,updates}
    touch "$work/root/var/lib/dpkg/"{status,available}
    dpkg --root="$work/root" --force-depends --log=/dev/null -i "${deb[0]}" >/dev/null 2>"$work/dpkg.log" ||
        { cat "$work/dpkg.log" >&2; die "dpkg does not install it"; }
    runs "$work/root/usr/bin/barkeep"
    demand -d "$work/root/etc/barkeep"
else
    say "not tried, which takes dpkg and root: installing the package"
fi
runs "$work/deb/usr/bin/barkeep"
for page in man/*.1; do
    gzip -dc "$work/deb/usr/share/man/man1/$(basename "$page").gz" | cmp - "$page" || die "$page is not in the package"
done
for file in bash-completion/completions/barkeep zsh/vendor-completions/_barkeep \
    fish/vendor_completions.d/barkeep.fish doc/barkeep/copyright doc/barkeep/examples/barkeep.toml; do
    demand -s "$work/deb/usr/share/$file"
done
for file in "${copied[@]}"; do
    cmp "$file" "$work/deb/usr/share/doc/barkeep/$file" || die "$file is not in the package as it is here"
done
reads "$work/deb/usr/share/man/man1/barkeep-wal-archive.1.gz"

# Every crate of the lock file that is linked into the binary, with its version.
"${CARGO:-cargo}" tree --locked --edges normal --target "$machine-unknown-linux-musl" --prefix none \
    --format '{p}' | awk '{ print $1 " " substr($2, 2) }' | LC_ALL=C sort -u >"$work/linked"
grep -o '"purl": *"pkg:cargo/[^"?]*' "$out/$name.cdx.json" | sed 's|.*pkg:cargo/||; s|@| |; s|%2B|+|g' |
    LC_ALL=C sort -u >"$work/named"
demand "$(wc -l <"$work/linked")" -gt 100
missing=$(LC_ALL=C comm -23 "$work/linked" "$work/named")
[ -z "$missing" ] || die "the SBOM does not name: ${missing//$'\n'/, }"
say "the packages are whole: $(wc -l <"$work/linked") crates in the SBOM"
