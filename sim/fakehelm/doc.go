// Package fakehelm replaces Helm where the remote cluster is simulated: a release is
// only its record, because no simulated node runs what a release installs.
//
// It is not part of sim/fakecluster, because it works on any API server, and not part
// of sim/serve, because sim/play uses it too.
//
// It knows the names and labels of Helm's records, by which sim/inspect counts them.
// It must not know pods, and not which ports need a tunnel.
package fakehelm
