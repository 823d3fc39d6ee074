// Package podstate holds the rules of Kubernetes about the states of a pod's
// containers: which container the kubelet starts again after it has terminated, and
// the reasons that the kubelet gives for a state.
//
// It is pure, and knows neither InterLink nor what the plugin adds to a pod.
// plugin/status and plugin/mesh use it.
package podstate
