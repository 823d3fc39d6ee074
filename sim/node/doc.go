// Package node plays the scheduler and the kubelets of a remote cluster, on any
// API server, in memory or real: for each offloaded pod it does what a
// scenario says, with the states that a kubelet would report.
//
// What a pod does is a pure state machine (play); Nodes is the loop that feeds
// it with pods and time; Logs is what the containers wrote.
package node
