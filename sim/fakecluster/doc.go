// Package fakecluster is a remote cluster in memory: client-go's fake clientset on a
// store that behaves as a real API server does in what the plugin relies on
// (identity, conflicts, graceful deletion, filtered lists and watches, logs).
// One list of steps in the tests runs on it and on a real API server.
//
// Nothing moves in it by itself: sim/node plays scheduler and kubelets. It has no
// quota, admission or garbage collection, knows of patches the strategic merge
// alone, and answers a list whole, whatever its limit.
package fakecluster
