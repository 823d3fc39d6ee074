// Package fairqueue limits how much work runs at the same time, and shares the limit
// fairly: work that must wait is begun round robin between keys, oldest first within one
// key. So a key with thousands of waiting pieces of work delays each other key by one
// piece of work at most. One key never has more than half of the limit, so that a key
// whose work hangs does not stop the others.
//
// It must not know what the work is. plugin/lifecycle queues the creates of pods in it,
// with the local namespace as key.
//
// Why not an existing package: golang.org/x/sync/semaphore serves in order of arrival, so
// one namespace with 2,000 pods delays all others. The fair queuing of k8s.io/apiserver is
// built for requests with priority levels, estimated sizes and virtual time; it needs a
// clock, metrics and configuration for what are 100 lines here.
package fairqueue
