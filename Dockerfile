# syntax=docker/dockerfile:1
# One static binary on an empty base:  docker build -t barkeep .
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
 && install -D "target/$target/release/barkeep" /image/usr/bin/barkeep \
 && install -D -m 644 -t /image/usr/share/man/man1 man/*.1 \
 && install -D -m 644 completions/barkeep.bash /image/usr/share/bash-completion/completions/barkeep \
 && install -D -m 644 -t /image/usr/share/zsh/site-functions completions/_barkeep \
 && install -D -m 644 -t /image/usr/share/fish/vendor_completions.d completions/barkeep.fish \
 && install -D -m 644 LICENSE /image/usr/share/doc/barkeep/LICENSE \
 && install -D -m 644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
 # The spool's default place, and somewhere for temporary files, writable by whoever runs it.
 && install -d -m 1777 /image/tmp

FROM scratch
COPY --from=build /image /
ENV PATH=/usr/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
# The user `postgres` of the common PostgreSQL images, so that data directory and spool are shared.
USER 26:26
ENTRYPOINT ["/usr/bin/barkeep"]
CMD ["--help"]
