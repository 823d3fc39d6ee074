// Package tunnel exposes the TCP ports of offloaded pods through the gateway in
// the local cluster: one release of the bastion's Helm chart for each port, in a
// namespace of the remote cluster that is the bastions' own.
//
// It speaks to Helm's SDK and decides what becomes of a release that is half made,
// or that two replicas of the plugin work at: a record changes only as its writer
// knew it (storage.go), so that whoever is overtaken notices.
// It must not know pods or InterLink: names, labels and targets are given to it.
// What it keeps is Helm's record of each release, found again by its labels.
//
// The gateway's private key stands in the Secret that the chart makes, and in
// Helm's record of that Secret. It must be nowhere else: storage.go keeps it out of
// the record's values, secret.go out of what is said.
package tunnel
