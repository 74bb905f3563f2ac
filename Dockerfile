# The builder: Debian's compiler is all that the C code in the tree needs.
FROM rust:1.95-slim-bookworm AS builder
WORKDIR /build
COPY . .
# The caches outlive the layer, so that a changed line does not build four hundred crates.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/build/target,sharing=locked \
    cargo build --release --locked --bin sampan \
    && install -D target/release/sampan /image/usr/local/bin/sampan \
    && install -d /image/var/lib/sampan

# The image: glibc, root certificates and the binary. There is no shell in it, so the
# binary asks after its own health.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=builder /image/usr/local/bin/sampan /usr/local/bin/sampan
# Belongs to the user who runs: a new volume takes its owner from here.
COPY --from=builder --chown=nonroot:nonroot /image/var/lib/sampan /var/lib/sampan

# Where sampan.toml is looked for, and where SQLite keeps sampan.db.
WORKDIR /var/lib/sampan
VOLUME /var/lib/sampan

ENV SAMPAN__HTTP__LISTEN=0.0.0.0:8080
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["/usr/local/bin/sampan", "healthcheck"]

ENTRYPOINT ["/usr/local/bin/sampan"]
CMD ["serve"]
