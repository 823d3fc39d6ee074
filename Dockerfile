# The plugin's image: one static program, so it needs no base image and contains no shell. "make image" and the
# release workflow build the program first, as bin/linux-<arch>/...:
#
#   CGO_ENABLED=0 GOARCH=amd64 go build -o bin/linux-amd64/ ./cmd/interlink-kubernetes-plugin
#   docker build --build-arg TARGETARCH=amd64 .
#
# buildx sets TARGETARCH for each platform. A default here would override that value.
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

# The user of InterLink's own image, so that InterLink in the same pod can use a socket of mode 0660. A number, so that
# a kubelet can verify that the user is not root.
USER 65532:65532

# The image contains no certificate authorities. A kubeconfig contains its own, and for a remote cluster with a
# public certificate the program contains Mozilla's (x509roots/fallback). The program uses a bundle that is
# mounted at /etc/ssl/certs/ca-certificates.crt instead of those.
#
# The program writes only the unix socket. Its folder, /var/run by default, must be a volume that this user can
# write to, such as an emptyDir. The root file system can be read-only.
ENTRYPOINT ["/interlink-kubernetes-plugin"]
