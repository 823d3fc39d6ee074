// Package trial sends one pod to a running plugin, as InterLink does: a ping, a create,
// status calls until the pod has ended, a log, and a delete. It says in words how far the
// pod came, for a person who has just installed the plugin.
//
// It judges no details: that is the replay of scenarios (sim/play). It must not know the
// remote cluster, nor the plugin.
package trial
