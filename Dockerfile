# syntax=docker/dockerfile:1
# Two images without a shell, a libc or a package manager:
#   docker build --target barkeep -t barkeep .             the command, for whoever calls it
#   docker build --target cnpg-sidecar -t cnpg-sidecar .   CloudNativePG's Barman Cloud Plugin, with it inside
# What is in them is laid out by image/lay-out.sh; `make image-size` says how large they are.

# The release of the plugin whose own binary goes into `cnpg-sidecar`: the image that it would start otherwise.
ARG PLUGIN_SIDECAR=ghcr.io/cloudnative-pg/plugin-barman-cloud-sidecar:v0.14.0

FROM rust:1.95-bookworm AS build
# A C compiler for the codecs, against musl; nothing in the tree needs OpenSSL or cmake.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates musl-tools \
 && rm -rf /var/lib/apt/lists/* \
 && rustup target add "$(uname -m)-unknown-linux-musl"
WORKDIR /src
COPY . .
RUN target="$(uname -m)-unknown-linux-musl" \
 && cargo build --locked --release --target "$target" \
 && mkdir /image \
 && for image in barkeep cnpg-sidecar; do \
        image/lay-out.sh "$image" "target/$target/release/barkeep" /etc/ssl/certs/ca-certificates.crt "/image/$image" \
        || exit 1; \
    done

FROM ${PLUGIN_SIDECAR} AS plugin

# The plugin's manager finds the nine programs by their names on PATH; no Python is left.
FROM scratch AS cnpg-sidecar
COPY --from=plugin /manager /manager
COPY --from=build /image/cnpg-sidecar /
ENV PATH=/usr/bin
# As in the image it takes the place of.
USER 26:26
ENTRYPOINT ["/manager"]

# The last one, so that it is what a build without --target makes.
FROM scratch AS barkeep
COPY --from=build /image/barkeep /
ENV PATH=/usr/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
# The user `postgres` of the common PostgreSQL images, so that data directory and spool are shared.
USER 26:26
ENTRYPOINT ["/usr/bin/barkeep"]
CMD ["--help"]
