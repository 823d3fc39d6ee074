// Package bare is the loop of client-go calls with which package bench compares the plugin: it creates the
// objects of a pod in the plugin's order, and deletes the pod by its name. It has no queue, no retries, no
// cache and no log.
//
// The bench calls it directly, and cmd/peer behind a unix socket, as the plugin stands behind one.
package bare
