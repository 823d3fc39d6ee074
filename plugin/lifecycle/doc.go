// Package lifecycle does what InterLink asks for: it creates, watches, reads
// and deletes the remote objects of a local pod, in the right order, and undoes
// what fails.
//
// It decides order, retries and undoing, and nothing else: what the objects are
// is plugin/translate's, how their states read locally is plugin/status's, how
// the remote API server is spoken to is plugin/cluster's. It must not know HTTP.
//
// What must be known later is on the remote objects or in the request. The
// locks, the marks of recent deletes and the retries in the background put in
// order what this process does; what a stop interrupts, and what another replica
// does at the same moment, they do not see.
package lifecycle
