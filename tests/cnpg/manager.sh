#!/usr/bin/env bash
# What CloudNativePG's instance manager and the plugin do around the programs when PostgreSQL archives a
# segment or asks for one (spec/cloudnativepg.md 2.1 and 2.2): several at once, each by its bare name.
#
#   manager.sh archive SPOOL AT_ONCE PATH WORD...
#   manager.sh restore SPOOL AT_ONCE NAME DESTINATION WORD...
#
# The words are the program's own, all but the last ones. The current directory is the data directory.
set -u

# An upload for every file that waits, up to so many; the others' success is a mark for their own call.
archive() {
    local spool=$1 at_once=$2 name=${3##*/} ready
    shift 3
    if [ -e "$spool/$name" ]; then
        rm "$spool/$name"
        return
    fi
    local names=("$name")
    for ready in pg_wal/archive_status/*.ready; do
        ready=${ready##*/} ready=${ready%.ready}
        [ "${#names[@]}" -lt "$at_once" ] || break
        [ "$ready" = "$name" ] || names+=("$ready")
    done
    local pids=() at failed=0
    for name in "${names[@]}"; do
        barman-cloud-wal-archive "$@" "$PWD/pg_wal/$name" </dev/null &
        pids+=($!)
    done
    for at in "${!pids[@]}"; do
        if ! wait "${pids[at]}"; then
            failed=1
        elif [ "$at" -gt 0 ]; then
            : >"$spool/${names[at]}"
        fi
    done
    return "$failed"
}

# The file PostgreSQL asks for goes where it wants it; those that follow go to the spool, under another
# name until they are whole.
restore() {
    local spool=$1 at_once=$2 name=$3 destination=$4 log
    shift 4
    if [ -e "$spool/$name" ]; then
        cp "$spool/$name" "$destination" && rm "$spool/$name"
        return
    fi
    barman-cloud-wal-restore "$@" "$name" "$PWD/$destination" </dev/null &
    local first=$!
    if [[ $name =~ ^[0-9A-F]{24}$ ]]; then
        log=$((16#${name:8:8} * 256 + 16#${name:16:8}))
        while [ $((at_once -= 1)) -gt 0 ]; do
            log=$((log + 1))
            ahead "$spool/$(printf '%s%08X%08X' "${name:0:8}" $((log / 256)) $((log % 256)))" "$@" &
        done
    fi
    wait "$first"
    local status=$?
    wait
    return "$status"
}

ahead() {
    local file=$1
    shift
    barman-cloud-wal-restore "$@" "${file##*/}" "$file.tmp" </dev/null && mv "$file.tmp" "$file"
}

what=$1
shift
# As of now the manager tells PostgreSQL no more than that it failed.
"$what" "$@" || exit 1
