// Package tunnel exposes the TCP ports of offloaded pods through the gateway in the
// local cluster. For each port it installs one release of the bastion's Helm chart, in
// a remote namespace that holds only bastions.
//
// It uses Helm's SDK. It decides what happens to a release whose install was
// interrupted, and to one that two replicas of the plugin change at the same time: a
// record of Helm is changed only if no other process has changed it since it was read
// (records.go). It must not know pods or InterLink: the caller gives it names, labels
// and targets. It keeps no state but Helm's record of each release, and finds it by its
// labels.
//
// The gateway's private key is in the Secret that the chart creates, and in Helm's
// record of that Secret. It must be nowhere else: records.go removes it from the values
// in the record, redact.go from log lines and errors.
package tunnel
