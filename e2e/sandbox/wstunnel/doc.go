// Command wstunnel replaces, in the tests, the program of that name
// (https://github.com/erebe/wstunnel), with which InterLink connects a pod's network
// through an HTTP ingress. The original is written in Rust and is in no package registry
// that the tests could use.
//
// It has the options that InterLink uses, so InterLink's commands and scripts work with
// it unchanged, and carries the same traffic over an upgraded HTTP connection. The protocol
// on that connection is its own, so it only works with itself.
package main
