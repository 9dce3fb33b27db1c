#!/usr/bin/env bash
# Writes the SBOM (CycloneDX, JSON) of what is linked into the binary: dist/sbom.sh TARGET FILE
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/servers/lib.sh

target=$1 to=$2
if ! command -v cargo-cyclonedx >/dev/null; then
    retry "install cargo-cyclonedx" "${CARGO:-cargo}" install --locked cargo-cyclonedx
fi
# It writes beside the manifest, and only there.
made=barkeep-sbom.cdx
trap 'rm -f "$made.json"' EXIT
"${CARGO:-cargo}" cyclonedx --quiet --format json --target "$target" --spec-version 1.5 --override-filename "$made"
# Neither the path of this checkout nor a number that changes each time.
sed -e "s|path+file://$PWD|path+file:///barkeep|g" -e "s|file://$PWD|file:///barkeep|g" \
    -e '/"serialNumber": "urn:uuid:/d' "$made.json" >"$to"
