// Package scope says where a local object stands in the remote cluster and how
// it is traced back: its namespace, its name, its labels and annotations.
//
// It is the only place that makes a remote name. It is pure: the same input
// gives the same output in every replica and after every restart, which is what
// makes a repeated create find what an earlier one left. It must not know any
// client, and nothing of InterLink's requests.
package scope
