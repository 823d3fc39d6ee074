package replay

import (
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// skipped says why a scenario cannot be played as the replay is set up; "" if it
// can.
func skipped(file *scenario.File, options Options) string {
	switch {
	case options.Plugin != "" && len(file.Plugin) > 0:
		return "it needs other options of this plugin than those of the one that runs"
	case len(file.Site.Claims) > 0 && options.Plugin != "" && options.Client == nil:
		return "it needs claims in a remote cluster, and nobody said where that is"
	}
	if options.PlayNodes || options.Plugin == "" && options.Client == nil {
		return ""
	}
	for _, pod := range file.Nodes {
		switch {
		case len(pod.Events) > 0:
			return "it needs nodes that are played: " + strike(pod.Events[0])
		case pod.Unschedulable != "":
			return "it needs nodes that are played: a pod finds no node"
		case pod.Schedule.Duration > 0:
			return "it needs nodes that are played: a pod waits for its node"
		}
	}
	return ""
}

// strike is what an event does.
func strike(e scenario.Event) string {
	switch {
	case e.Evict != "":
		return "a pod is evicted"
	case e.Delete:
		return "a remote pod is deleted"
	case e.LoseNode:
		return "a node is lost"
	case e.Deadline:
		return "a pod's deadline passes"
	}
	return "something strikes a pod"
}
