// Package serve runs this plugin in front of a remote cluster in memory, whose
// nodes are played: for a real InterLink, or curl, to talk to.
//
// It must know nothing of who calls, and judges nothing: that is sim/play's.
package serve
