package report

import "time"

// sample returns a report with an example of everything that the page shows.
func sample() *Report {
	return &Report{
		Plugin: "this plugin", Remote: "a remote cluster in memory, with simulated nodes", Version: "v1.2.3",
		Started: time.Date(2026, 3, 4, 15, 4, 5, 0, time.UTC), Took: 4.24,
		Scenarios: []Scenario{
			{
				Name: "crash-loop", Description: "A container crashes repeatedly, its sidecar does not.", Verdict: Failed, Level: "optional:restarts",
				File: "scenarios/crash-loop.yaml", Took: 0.3, Lasted: 65,
				Differences: []Difference{
					{Rule: "STATUS-37", Text: "pod job showed the phases [Pending Running], expected [Pending Running Failed]",
						Consequence: "The user waits for a pod that has ended.", Right: "Show the phase Failed when a container has failed.", FollowOns: []string{"container main of pod job never ended"}},
					{Rule: "STATUS-18", Text: "container main of pod job has exit code 0, expected 3\nand a second line with a-word-that-is-much-too-long-" + long + " for any column"},
				},
				Notes: []string{"the remote pod was deleted before its log was read"},
				Steps: []Step{{At: 20, Text: "restart of the virtual kubelet"}, {At: 50, Text: "delete of pod job"}},
				Pods:  []Pod{crashing("job"), {Name: "other-namespace/quiet", Local: []State{{Phase: "Pending", Reason: "ProviderFailed"}}}},
			},
			{
				Name: "no-time", Description: "No time passes.", Verdict: Passed, Level: "core",
				Pods: []Pod{{Name: "a", Local: []State{{Phase: "Pending"}, {Phase: "Running"}, {Phase: "Failed", Reason: "Evicted"}}, Remote: []State{{Phase: "Strange"}}}},
			},
			{
				Name: "plain-pod", Description: "A pod runs and ends.", Verdict: NotJudged, Level: "core",
				NotJudged: []string{"whether the containers ran: their logs do not show it", "whether anything is left: no way to look was given"},
				File:      "scenarios/plain-pod.yaml", Took: 0.1, Lasted: 42.25,
				Pods: []Pod{plain("plain")},
			},
			{
				Name: "refuse-hostpath", Description: "A volume that the plugin does not support is refused.", Verdict: Skipped, Level: "this-plugin",
				Skipped: "it sets options of this plugin, and the plugin that runs has others",
			},
			{Name: "without-pods", Description: "Only a step.", Verdict: Passed, Level: "core", Lasted: 240, Steps: []Step{{At: 240, Text: "at the very end"}}},
		},
	}
}

const long = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

func plain(name string) Pod {
	main := func(state, reason string) []Container {
		return []Container{{Name: "main", State: state, Reason: reason}}
	}
	return Pod{
		Name: name,
		Local: []State{
			{At: 0, Phase: "Pending"}, {At: 5, Phase: "Running", Containers: main("running", "")},
			{At: 40, Phase: "Succeeded", Containers: main("terminated", "Completed")}, {At: 42.25, Phase: "Deleted"},
		},
		Remote: []State{
			{At: 0.2, Phase: "Pending", Containers: main("waiting", "ContainerCreating")}, {At: 1.2, Phase: "Running", Containers: main("running", "")},
			{At: 36.2, Phase: "Succeeded", Containers: main("terminated", "Completed")}, {At: 42.25, Phase: "Gone"},
		},
	}
}

func crashing(name string) Pod {
	with := func(init, state, reason string, exit, restarts int32) []Container {
		all := []Container{{Name: "prepare", Init: true, State: "waiting", Reason: "PodInitializing"}}
		if init == "done" {
			all[0] = Container{Name: "prepare", Init: true, State: "terminated", Reason: "Completed"}
		}
		return append(all, Container{Name: "main-with-a-name-longer-than-the-column", State: state, Reason: reason, ExitCode: exit, Restarts: restarts})
	}
	sidecar := func(containers []Container) []Container {
		return append(containers, Container{Name: "proxy", State: "running"})
	}
	return Pod{
		Name: name,
		Local: []State{
			{At: 0, Phase: "Pending"},
			{At: 5, Phase: "Pending", Containers: with("", "waiting", "PodInitializing", 0, 0)},
			{At: 10, Phase: "Running", Containers: with("done", "running", "", 0, 0)},
			{At: 25, Phase: "Running", Containers: with("done", "terminated", "OOMKilled", 137, 1)},
			{At: 30, Phase: "Running", Containers: with("done", "running", "", 0, 2)},
			{At: 50, Phase: "Deleted"},
		},
		Remote: []State{
			{At: 0.1, Phase: "Pending", Containers: with("", "waiting", "PodInitializing", 0, 0)},
			{At: 6, Phase: "Running", Containers: sidecar(with("done", "running", "", 0, 0))},
			{At: 16, Phase: "Running", Containers: sidecar(with("done", "terminated", "OOMKilled", 137, 0))},
			{At: 16, Phase: "Running", Containers: sidecar(with("done", "waiting", "CrashLoopBackOff", 0, 0))},
			{At: 26, Phase: "Running", Containers: sidecar(with("done", "running", "", 0, 1))},
			{At: 26.1, Phase: "Running", Containers: sidecar(with("done", "waiting", "CrashLoopBackOff", 0, 1))},
			{At: 46.1, Phase: "Running", Containers: sidecar(with("done", "running", "", 0, 2))},
			{At: 50, Phase: "Gone"},
		},
	}
}
