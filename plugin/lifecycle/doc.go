// Package lifecycle carries out what InterLink asks for: it creates the remote
// objects of a local pod, reads their status and logs, and deletes them.
//
// It decides the order of the calls, what is retried, and what is rolled back after
// a failure. It decides nothing else: plugin/translate decides what the objects are,
// plugin/status how a remote state is reported, and plugin/cluster how the remote
// API server is called. It must not know HTTP.
//
// What must be known later is stored on the remote objects, or is in the request.
// The locks, the list of recent deletes and the retry queue only order the work of
// this process. They do not cover what a stop of the process interrupts, nor what
// another replica does at the same time.
package lifecycle
