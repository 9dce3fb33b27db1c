# The commands of this repository. `make demo` and `make test` need a Rust toolchain and nothing else:
# what is missing they install, or say in one line what they could not install.

SHELL := bash
CARGO ?= cargo
export CARGO_TERM_COLOR ?= auto

# The tests that talk to servers of `make servers`; plain `cargo test` leaves them out.
SERVER_TESTS := $(addprefix --test ,postgres backup_pg real_s3 real_azure real_gcs clouds recovery_settings interop pitr crash points disk_faults barman_base_pg barman_beside cnpg verify_pg drill_pg locks_pg walks commands wal_find_pg status_pg flush_pg report_chromium schedule_systemd)

.PHONY: help build dist image-size demo test test-all soak fuzz coverage bench bench-wal bench-base bench-door compiler servers servers-all check generate deny clean-servers

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the optimised binary, target/release/barkeep
	$(CARGO) build --locked --release

dist: compiler ## packages in target/dist: a static binary as tar.gz and .deb, an SBOM, checksums; all tried
	@CARGO=$(CARGO) dist/pack.sh

image-size: compiler ## how large the two images of the Dockerfile are, without a container engine
	@CARGO=$(CARGO) image/size.sh

demo: ## archive, lose and recover a throw-away PostgreSQL, in a minute or two
	demo/run.sh

test: compiler servers ## everything; a server that is missing is a failure
	$(CARGO) test --locked --no-fail-fast
	$(CARGO) test --locked --no-fail-fast $(SERVER_TESTS)

test-all: test servers-all ## as `test`, with every major of PostgreSQL, and with the optimised binary as well
	$(MAKE) fuzz
	BARKEEP_TEST_MAJORS='13 14 15 16 17 18' $(CARGO) test --locked --test pitr --test wal_find_pg
	BARKEEP_TEST_ALL_POINTS=1 $(CARGO) test --locked --test points
	@set -euo pipefail; . tests/servers/lib.sh; \
	    BARKEEP_BINARY=$$(CARGO=$(CARGO) build_binary --release); export BARKEEP_BINARY; \
	    $(CARGO) test --locked --test postgres
	MINUTES=10 $(CARGO) test --locked --test soak

soak: compiler servers ## faults, crashes and promotions under load for MINUTES=10, and every restore compared; SEED= repeats
	$(CARGO) test --locked --test soak

# How long each target is fuzzed, and where its findings and its own corpus go.
SECONDS ?= 60
FUZZED := target/fuzz

fuzz: compiler ## try to break every parser and decoder, SECONDS=60 each; needs a nightly toolchain
	@rustup toolchain list | grep -q nightly || rustup toolchain install nightly --profile minimal
	@command -v cargo-fuzz >/dev/null || $(CARGO) install --locked cargo-fuzz
	$(CARGO) +nightly fuzz build --target-dir $(FUZZED)
	@set -euo pipefail; for target in $$($(CARGO) +nightly fuzz list); do \
	    echo "== $$target"; mkdir -p $(FUZZED)/corpus/$$target $(FUZZED)/artifacts/$$target; \
	    dictionary=fuzz/dictionaries/$$target; \
	    $(CARGO) +nightly fuzz run --target-dir $(FUZZED) $$target $(FUZZED)/corpus/$$target fuzz/corpus/$$target -- \
	        -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=512 -print_final_stats=1 \
	        -artifact_prefix=$(FUZZED)/artifacts/$$target/ $$([ -f $$dictionary ] && echo -dict=$$dictionary); \
	done

# It measures, and does not judge: a test that looks at everything a program writes fails for the profile.
coverage: compiler ## the lines of src/ that tests reach, by file; with those against servers where these are installed
	@rustup component add llvm-tools >/dev/null
	@command -v cargo-llvm-cov >/dev/null || $(CARGO) install --locked cargo-llvm-cov
	$(CARGO) llvm-cov clean --workspace
	$(CARGO) llvm-cov --no-report --locked --no-fail-fast --ignore-run-fail
	@if [ -d target/servers ]; then $(CARGO) llvm-cov --no-report --locked --no-fail-fast --ignore-run-fail $(SERVER_TESTS); fi
	$(CARGO) llvm-cov report --ignore-filename-regex '/(tests|benches|fuzz)/' --fail-under-lines 90

bench: bench-wal bench-base bench-door ## how fast: everything, an hour

bench-wal: ## how fast: the archiver's and the startup process's loops over real WAL (ten minutes and more)
	$(CARGO) bench --locked --bench wal_loop

bench-base: servers ## how fast: base backups and restores of a 4 GiB cluster, beside the tools of others (half an hour)
	$(CARGO) bench --locked --bench base_backup

bench-door: servers ## how fast: the nine programs by their names, beside the reference's (a minute)
	$(CARGO) bench --locked --bench door

compiler: ## install a C compiler and its headers where they are missing
	@set -euo pipefail; . tests/servers/lib.sh; need_c_compiler

servers: ## install the servers that the tests talk to
	tests/servers/install.sh

servers-all: servers ## and the majors of PostgreSQL between the newest and the oldest, and promtool
	tests/servers/install.sh postgres-14 postgres-15 promtool

check: compiler ## formatting, lints, and whether what is generated is fresh
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked $(SERVER_TESTS) --test soak -- -D warnings
	$(CARGO) test --locked --test generated --test messages --test layers

generate: ## write man/, completions/ and docs/messages.md anew
	UPDATE=1 $(CARGO) test --locked --test generated --test messages

deny: ## licences, bans, sources and advisories of the dependencies (the last from the network)
	@command -v cargo-deny >/dev/null || $(CARGO) install --locked cargo-deny
	$(CARGO) deny --locked check licenses bans sources
	$(CARGO) deny --locked check advisories

clean-servers: ## remove what `make servers` installed
	tests/servers/remove.sh
