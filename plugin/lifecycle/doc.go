// Package lifecycle carries out what InterLink asks for: it creates the remote
// objects of a local pod, reads their status and logs, and deletes them.
//
// It decides the order of the calls, what is retried, and what is rolled back after
// a failure. It decides nothing else: plugin/translate decides what the objects are,
// plugin/status how a remote state is reported, and plugin/cluster how the remote
// API server is called. It must not know HTTP.
//
// The remote pod is the one record of a local pod, and owns what it needs: a create
// makes the pod first (attempt.go), and the garbage collector of the remote cluster
// deletes what a deleted pod owned. A create that is repeated, in this process or in
// another, completes what is missing. No request lists objects: a pod is found in the
// cache or by its name. Work that lists, for claims and for objects of earlier
// versions, is done in the background (unowned.go).
//
// What must be known later is stored on the remote objects, or is in the request. The
// locks, the list of recent deletes and the queues only order the work of this process.
package lifecycle
