# What the scripts here and in demo/ have in common. Sourced, with `set -euo pipefail` in force.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# An empty directory of this name; what a broken attempt left is gone.
fresh_dir() {
    rm -rf "$1"
    mkdir -p "$1"
}

# Downloads fail now and then: three attempts, then one line. The attempts' own words are shown only
# when the last one failed.
retry() {
    local what=$1 log attempt
    shift
    log=$(mktemp)
    for attempt in 1 2 3; do
        if "$@" </dev/null >"$log" 2>&1; then
            rm -f "$log"
            return
        fi
        sleep $((attempt * 2))
    done
    tail -n 20 "$log" >&2
    rm -f "$log"
    die "could not $what; by hand: $*"
}

# A program that was just installed must start.
proves() {
    local words
    words=$("$@" 2>&1) || die "$1 was installed but does not start: ${words##*$'\n'}"
}

# Debian packages, through sudo when we are not root.
apt_install() {
    local root=()
    if [ "$(id -u)" != 0 ]; then
        root=(sudo)
        [ -t 0 ] || root+=(-n) # nobody there to type a password
        "${root[@]}" true 2>/dev/null || die "missing: $*; as root: apt-get install $*"
    fi
    command -v apt-get >/dev/null || die "missing: $*; install it with this system's package manager"
    say "installing $* (apt-get)"
    retry "refresh the package lists" "${root[@]}" apt-get -qq update
    retry "install $*" "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -y --no-install-recommends install "$@"
}

# A Rust toolchain brings no linker, and some crates are C: without this, cargo ends in an error of rustc's.
need_c_compiler() {
    if ! "${CC:-cc}" -E - <<<'#include <stdlib.h>' >/dev/null 2>&1; then
        apt_install gcc libc6-dev
    fi
}

# Builds the binary with these words to cargo and tells where it is. Only cargo knows: its configuration
# may name another place, or another target.
build_binary() {
    local told
    told=$("${CARGO:-cargo}" build --locked --quiet --bin barkeep --message-format=json-render-diagnostics "$@") ||
        die "the build failed"
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' <<<"$told" | tail -n 1
}

# The same for a binary that needs nothing of its host, with a libc of its own.
static_binary() {
    local machine target
    machine=$(uname -m)
    target=$machine-unknown-linux-musl
    # The codecs are C, and want a compiler for this libc.
    command -v musl-gcc >/dev/null || apt_install musl-tools
    if command -v rustup >/dev/null; then
        retry "install Rust's standard library for $target" rustup --quiet target add "$target"
    fi
    build_binary --release --target "$target"
}
