// Package serve runs this plugin in front of a remote cluster in memory with simulated
// nodes, so that a real InterLink, or curl, can send requests to it.
//
// It must not know which client sends the requests, and it compares no answer with an
// expected one: that is the task of sim/play and sim/judge.
package serve
