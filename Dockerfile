# The plugin's image: one static program from scratch, so it needs no base image and holds no shell.
# The program is built before, by "make image" or the release workflow, as bin/linux-<arch>/...:
#
#   CGO_ENABLED=0 GOARCH=amd64 go build -o bin/linux-amd64/ ./cmd/interlink-kubernetes-plugin
#   docker build --build-arg TARGETARCH=amd64 .
#
# buildx gives TARGETARCH for each platform by itself. No default here: it would be stronger than buildx.
FROM scratch

ARG TARGETARCH
ARG VERSION=dev
ARG REVISION=unknown

LABEL org.opencontainers.image.title="InterLink Kubernetes plugin" \
      org.opencontainers.image.description="Runs the pods of an InterLink virtual node in a remote Kubernetes cluster" \
      org.opencontainers.image.source="https://github.com/interlink-hq/interlink-kubernetes-plugin" \
      org.opencontainers.image.url="https://github.com/interlink-hq/interlink-kubernetes-plugin" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

COPY LICENSE /LICENSE
COPY bin/linux-${TARGETARCH}/interlink-kubernetes-plugin /interlink-kubernetes-plugin

# The user of InterLink's own image, so that InterLink beside it may use a socket of mode 0660. In
# numbers: a kubelet can then see that it is not root.
USER 65532:65532

# There are no certificate authorities here: a kubeconfig names its own, and for a remote cluster with a
# public certificate the program brings Mozilla's (x509roots/fallback). A bundle that is mounted at
# /etc/ssl/certs/ca-certificates.crt counts before those.
#
# Nothing is written but the unix socket: its folder, /var/run by default, is a volume (an emptyDir, say)
# that this user may write to. The root file system can be read-only.
ENTRYPOINT ["/interlink-kubernetes-plugin"]
