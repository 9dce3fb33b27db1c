#!/usr/bin/env bash
# Lays out what the packages hold, below a directory:
#   dist/lay-out.sh tar BINARY DIR    as one finds it in the tarball
#   dist/lay-out.sh deb BINARY DIR    as it lies in the file system of a Debian host
# The manual pages and completions are those that `make generate` writes, all of them.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=$1 binary=$2 to=$3

put() { install -D -m "$1" "$2" "$to/$3"; }

# All files below a directory of ours, as they lie there.
put_all() {
    local from=$1 below=$2 file
    while IFS= read -r file; do put 644 "$from/$file" "$below/$file"; done \
        < <(cd "$from" && find . -type f -printf '%P\n' | LC_ALL=C sort)
}

case $kind in
tar)
    put 755 "$binary" barkeep
    for page in man/*.1; do put 644 "$page" "$page"; done
    for script in completions/*; do put 644 "$script" "$script"; done
    put 644 LICENSE LICENSE
    put 644 README.md README.md
    put 644 docs/barkeep.toml barkeep.toml
    put_all dashboards dashboards
    if [ -d examples ]; then put_all examples examples; fi
    ;;
deb)
    doc=usr/share/doc/barkeep
    put 755 "$binary" usr/bin/barkeep
    for page in man/*.1; do
        to_page=usr/share/man/man1/${page##*/}
        put 644 "$page" "$to_page"
        # Without a name and a time inside, so that the same page is the same file.
        gzip -9 -n "$to/$to_page"
    done
    # Where each shell looks for them in Debian; PowerShell has no such place.
    put 644 completions/barkeep.bash usr/share/bash-completion/completions/barkeep
    put 644 completions/_barkeep usr/share/zsh/vendor-completions/_barkeep
    put 644 completions/barkeep.fish usr/share/fish/vendor_completions.d/barkeep.fish
    put 644 completions/_barkeep.ps1 "$doc/examples/_barkeep.ps1"
    put 644 docs/barkeep.toml "$doc/examples/barkeep.toml"
    put 644 README.md "$doc/README.md"
    put 644 dist/copyright "$doc/copyright"
    put_all dashboards "$doc/dashboards"
    if [ -d examples ]; then put_all examples "$doc/examples"; fi
    # The configuration file is the operator's to make: /etc/barkeep/barkeep.toml, from the example.
    install -d -m 755 "$to/etc/barkeep"
    ;;
*)
    echo "error: \`$kind\` is neither tar nor deb" >&2
    exit 2
    ;;
esac
