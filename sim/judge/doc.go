// Package judge compares what was observed while a scenario was played with what
// the scenario expects. Each difference is one sentence; where it follows from a
// rule of docs/contract.md, it names the number of the rule.
//
// The package is pure: it has no client, no clock and no input or output. It must
// not know how a scenario is played, nor anything of the plugin.
package judge
