// Package play plays scenarios against an InterLink plugin, over HTTP, and reports
// how what it observes differs from what the scenarios expect.
//
// Each scenario has an environment of its own: the local cluster with a virtual
// kubelet (sim/virtualkubelet), the plugin, and the remote cluster, in memory or real,
// with simulated nodes (sim/node) or its own. Its clock is virtual where all parts
// follow it, and real time otherwise. Package judge compares what was observed.
//
// Another plugin is treated as its profile says (sim/profile). Where nothing shows its
// remote cluster, the containers themselves write into their logs that they run and what
// they find inside (probe.go), and a command of the profile lists the jobs (jobs.go).
//
// The package must not know how this plugin works. It starts one if the options name
// no other, and asks it only whether its cache has the latest remote pods.
//
// The files, from the top: run.go plays many scenarios, play.go one of them, with the
// player's actions in create.go, real_nodes.go, poll_until_end.go, poll.go,
// run_steps.go, delete.go, logs.go and observe.go; start_environment.go starts its
// environment. health.go waits for a plugin that did not answer.
package play
