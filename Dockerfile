# The image of pillion: one static binary and nothing else.
#   docker build -t pillion:0.1.0 .
# The same source gives the same image: no date is in it, and timestamps can be pinned:
#   docker buildx build --build-arg SOURCE_DATE_EPOCH=0 --output type=docker,name=pillion:0.1.0,rewrite-timestamp=true .

FROM rust:1.95.0-bookworm AS build
# The compiler of this image, whatever rust-toolchain.toml names.
ENV RUSTUP_TOOLCHAIN=1.95.0 CARGO_TERM_COLOR=never
RUN apt-get update \
 && apt-get install -y --no-install-recommends musl-tools \
 && rm -rf /var/lib/apt/lists/* \
 && rustup target add "$(uname -m)-unknown-linux-musl"
WORKDIR /src
COPY . .
RUN target="$(uname -m)-unknown-linux-musl" \
 && cargo build --release --locked --target "$target" -p pillion --bin pillion \
 && cp "target/$target/release/pillion" /pillion

FROM scratch
LABEL org.opencontainers.image.title="pillion"
LABEL org.opencontainers.image.description="The passenger in every Kafka broker pod: prepares the broker, then tells the truth about it"
LABEL org.opencontainers.image.version="0.1.0"
LABEL org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /pillion /pillion
USER 1000:1000
ENTRYPOINT ["/pillion"]
