// Package airgap makes a node image for kind out of Debian packages and Go modules
// alone, for machines that reach no registry. kind's own files come from its
// module, Kubernetes, etcd and CoreDNS from the nested modules kubernetes and
// coredns, which pin them; the rest is a Debian with a container runtime.
//
// The image holds what kubeadm and kind start, and a stand-in for the image that
// the tests' pods run: Debian's busybox under the name BusyBox.
//
// It knows nothing of clusters, and talks to the engine by the docker command.
package airgap
