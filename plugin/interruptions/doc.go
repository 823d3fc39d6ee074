// Package interruptions has only tests: an upgrade, a downgrade, a crash, a request to the API server that fails, and
// a second replica lose nothing and leave nothing in the remote cluster.
//
// They run the plugin, as a program or within the test, on a real API server with real controllers, with a small
// kubelet that starts pods as soon as Kubernetes permits it. They know the plugin from outside: its HTTP API, and the
// objects in the remote cluster.
package interruptions
