// Package chaos shows that nothing is lost, whatever the remote API server does: it runs
// the built plugin between InterLink's virtual kubelet, which it plays, and a real API
// server with controllers, lets one remote call fail after the other in every way
// (sim/faultproxy), kills the program, and compares the end with what InterLink's user
// must see.
//
//   - [Chaos.Matrix] fails each remote call of the create and the delete of one pod in
//     each way, one at a time;
//   - the storms, which are tests, do many things at once;
//   - [Chaos.Soak] creates, polls, logs and deletes pods for a long time, and watches the
//     memory of the program.
//
// It knows the plugin from outside: its flags, its HTTP API, its metrics, and the objects
// in the remote cluster.
package chaos
