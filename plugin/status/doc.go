// Package status says how a remote pod's state reads in the local cluster.
//
// It is pure: no client, no clock, no I/O. Its rules are those of the project's
// contract, section 2: what the virtual kubelet makes of an answer decides what
// is answered. The phase that it would show must be the remote pod's; where that
// and the state of a container contradict each other, the phase wins and the
// message tells the truth. One case cannot be helped: a pod that crashes before
// the virtual kubelet has seen it run stays Pending there until it does, since
// only a running container makes a pod Running. Nor does one that was Running
// become Pending again, unless its init containers run anew.
package status
