// Package airgap builds a node image for kind from Debian packages and Go modules alone,
// for machines that can reach no image registry. kind's own files come from its module.
// Kubernetes, etcd and CoreDNS come from the nested modules kubernetes and coredns, which
// pin their versions. The rest is a Debian with a container runtime.
//
// The image contains all that kubeadm and kind start, and a replacement for the image that
// the tests' pods run: Debian's busybox under the name BusyBox.
//
// It knows nothing about clusters, and uses the engine through the docker command.
package airgap
