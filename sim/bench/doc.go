// Package bench measures the plugin against a real kube-apiserver, and prints one table. Each line is a
// ratio to a named peer, for example a bare client-go loop that makes the same objects. Plugin and peer
// are measured in turns in the same run, so that the load of the machine hits both.
//
// The plugin gets its requests as from InterLink, on a unix socket. It runs as a built program where the
// time of its calls is measured, and inside this process where its heap or its remote calls are counted.
//
// `make bench` prints the table (cmd/bench). `go test -bench . ./sim/bench` reports the same figures for
// benchstat.
//
// The package must not know how the plugin does its work: only its address, its configuration and the
// objects that it makes, because the peer makes the same ones.
package bench
