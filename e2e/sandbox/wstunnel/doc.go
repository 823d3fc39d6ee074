// wstunnel stands in, in the tests, for the program of that name by which
// InterLink carries a pod's network through an HTTP ingress
// (https://github.com/erebe/wstunnel): that one is written in Rust and in no
// registry of packages that the tests could take it from.
//
// It takes the part of the command line that InterLink uses, so that InterLink's
// commands and scripts run with it as they are, and carries the same traffic over
// an upgraded HTTP connection. What goes over that connection is its own: it speaks
// to itself only.
package main
