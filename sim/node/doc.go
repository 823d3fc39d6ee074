// Package node simulates the scheduler and the kubelets of a remote cluster, on any
// API server, fake or real: each offloaded pod does what a scenario says, and its
// status passes through the states that a kubelet would report.
//
// One pod is a state machine without a clock and without a client (podState in
// pod.go). It waits for what a real pod waits for: its scheduling gates, the sources of
// its volumes, and those of its variables. [Nodes] watches the pods, calls the state machines when their time comes,
// and writes the results to the API server. [Logs] holds the output of the containers.
//
// It must not know the plugin, except for the label by which it finds offloaded pods,
// and not what a scenario expects.
package node
