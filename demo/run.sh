#!/usr/bin/env bash
# `make demo`: a throw-away PostgreSQL archives with barkeep under a write load, is backed up, loses a
# table and its data directory, and comes back from the archive as it was the moment before. Needs no
# cloud and leaves nothing behind.
# BARKEEP_BINARY names a binary to use instead of building one.
set -euo pipefail
umask 022
cd "$(dirname "$0")/.."
# shellcheck source=tests/servers/lib.sh
. tests/servers/lib.sh

LOAD_SECONDS=6 # each of two rounds

main() {
    build_barkeep
    find_postgres
    work=$(mktemp -d /tmp/barkeep-demo.XXXXXX)
    trap clean_up EXIT
    cp "$binary" "$work/barkeep"
    mkdir "$work/store" "$work/sockets"
    if [ "$(id -u)" = 0 ]; then chown -R postgres "$work"; fi
    chmod 755 "$work"

    # All that barkeep needs to know; archive_command and restore_command inherit it.
    export BARKEEP_STORE="file://$work/store" BARKEEP_SERVER=demo BARKEEP_SPOOL="$work/spool"
    export PGHOST="$work/sockets" PGUSER=postgres PGDATABASE=postgres PGOPTIONS=''

    tell "PostgreSQL $(postgres --version | grep -o '[0-9.]*' | head -n 1) in $work"
    make_cluster
    start "$work/data"
    pgbench --quiet --initialize --scale=5 2>/dev/null
    load
    tell "archived under load with archive_command = 'barkeep wal-archive %p'"

    barkeep backup --pgdata "$work/data" --dsn "host=$PGHOST dbname=postgres user=postgres" >/dev/null
    tell "took a base backup with barkeep backup"
    barkeep backup-list | sed 's/^/demo:   /'

    load
    fingerprint >"$work/before"
    sleep 0.2
    local moment
    moment=$(sql "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'")
    tell "remembered every row as it was at $moment"
    sleep 0.2
    sql 'delete from pgbench_accounts' >/dev/null
    sql 'select pg_switch_wal()' >/dev/null
    wait_until "all WAL is archived" nothing_is_waiting
    tell "then somebody deleted a table: $(archived_segments) segments of WAL archived, $(mib_stored) MiB stored"

    pg_ctl --pgdata="$work/data" --mode=immediate --silent stop
    rm -rf "$work/data"
    tell "killed PostgreSQL and deleted its data directory"

    barkeep restore --target-time "$moment" --target-action promote "$work/recovered" >/dev/null
    local begin=$SECONDS
    start "$work/recovered"
    wait_until "recovery has ended" recovery_has_ended
    tell "restored to that moment with barkeep restore: $(restored_files) files of WAL replayed in $((SECONDS - begin)) s"

    fingerprint >"$work/after"
    cmp -s "$work/before" "$work/after" || die "the rows differ: $(diff "$work/before" "$work/after" | tr '\n' ' ')"
    tell "compared $(awk -F '|' '{ rows += $2 } END { print rows }' "$work/after") rows with those of that moment: all are there, unchanged"
}

# The development build: its codecs are optimised, and it takes a fraction of a release build's time.
build_barkeep() {
    binary=${BARKEEP_BINARY:-}
    [ -z "$binary" ] || return 0
    tell "building barkeep (the first time takes some minutes)"
    need_c_compiler
    binary=$(build_binary)
}

# The newest PostgreSQL of the system, else one of our own that leaves the system alone.
find_postgres() {
    local dir
    for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) "${BARKEEP_SERVERS:-$PWD/target/servers}/postgres-18/bin"; do
        if [ -x "$dir/postgres" ] && [ -x "$dir/pgbench" ]; then
            pg_bin=$(readlink -f "$dir")
            return
        fi
    done
    tests/servers/install.sh postgres-18 >/dev/null
    pg_bin=$(readlink -f "$dir")
}

# PostgreSQL refuses to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && exec runuser -u postgres -- "$@")
    else
        "$@"
    fi
}

postgres() { as_postgres "$pg_bin/postgres" "$@"; }
pg_ctl() { as_postgres "$pg_bin/pg_ctl" "$@"; }
pgbench() { as_postgres "$pg_bin/pgbench" "$@"; }
barkeep() { as_postgres "$work/barkeep" "$@"; }
sql() { as_postgres "$pg_bin/psql" --no-psqlrc --quiet --tuples-only --no-align --command "$1"; }

make_cluster() {
    as_postgres "$pg_bin/initdb" --pgdata="$work/data" --username=postgres --auth=trust --no-locale --encoding=UTF8 \
        --no-sync >/dev/null
    as_postgres tee -a "$work/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$work/sockets'
archive_mode = on
archive_command = '$work/barkeep wal-archive %p'
restore_command = '$work/barkeep wal-restore %f %p'
CONF
}

start() {
    as_postgres touch "$1.log"
    pg_ctl --pgdata="$1" --log="$1.log" --timeout=60 --silent start >/dev/null ||
        die "PostgreSQL did not start: $(tail -n 1 "$1.log")"
}

load() { pgbench --client=4 --time="$LOAD_SECONDS" --no-vacuum >/dev/null 2>&1; }

# Every table with the number of its rows and a digest of them.
fingerprint() {
    local table
    for table in accounts branches history tellers; do
        sql "select '$table', count(*), sum(hashtextextended(t::text, 0)) from pgbench_$table t"
    done
}

nothing_is_waiting() { ! compgen -G "$work/data/pg_wal/archive_status/*.ready" >/dev/null; }
recovery_has_ended() { [ "$(sql 'select pg_is_in_recovery()')" = f ]; }
archived_segments() { sql 'select archived_count from pg_stat_archiver'; }
restored_files() { grep -c 'restored log file' "$work/recovered.log"; }
mib_stored() { du -sm "$work/store" | cut -f 1; }

# wait_until WHAT COMMAND: asks twice a second, for two minutes.
wait_until() {
    for _ in $(seq 240); do
        if "$2"; then return; fi
        sleep 0.5
    done
    die "waited two minutes in vain until $1; the log ends: $(tail -n 1 "$work"/*.log)"
}

tell() { printf '%s\n' "demo: $*"; }

clean_up() {
    local status=$? data
    for data in "$work/data" "$work/recovered"; do
        if [ -e "$data/postmaster.pid" ]; then
            pg_ctl --pgdata="$data" --mode=immediate --silent stop || true
        fi
    done
    # A filler that ends within seconds may still be using its spool.
    rm -rf "$work" 2>/dev/null || { sleep 11; rm -rf "$work"; }
    [ "$status" = 0 ] || say "demo: failed"
}

main "$@"
