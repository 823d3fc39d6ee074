package judge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// notJudged returns, for each aspect that must be observed and was not, one sentence that says
// why. If everything is expected of a plugin, the remote cluster shows everything.
func notJudged(file *scenario.File, seen *Observation) []string {
	if !file.IsPortable() && seen.Created != nil {
		return nil
	}
	var found []string
	for _, aspect := range file.MustObserve() {
		if why := whyUnobserved(aspect, file, seen); why != "" {
			found = append(found, fmt.Sprintf("%s: %s", aspect, why))
		}
	}
	return append(found, whyLogsUnknown(seen)...)
}

// whyLogsUnknown returns why logs cannot be compared, for each of them.
func whyLogsUnknown(seen *Observation) []string {
	var found []string
	for _, key := range slices.Sorted(maps.Keys(seen.Pods)) {
		for i, log := range seen.Pods[key].Logs {
			if log.Why != "" {
				found = append(found, fmt.Sprintf("log %d of pod %s: %s", i+1, key, log.Why))
			}
		}
	}
	return found
}

// whyUnobserved returns why an aspect was not observed; "" if it was.
func whyUnobserved(aspect scenario.Aspect, file *scenario.File, seen *Observation) string {
	switch aspect {
	case scenario.AspectRun:
		return whyNotSeenToRun(file, seen)
	case scenario.AspectEnv, scenario.AspectFiles:
		return whyContentsUnknown(aspect, file, seen)
	case scenario.AspectRemote:
		return whyRemoteUnknown(seen)
	case scenario.AspectJobs:
		return whyDoublesUnknown(file, seen)
	case scenario.AspectLeft:
		if remote := whyRemoteUnknown(seen); remote != "" {
			return whyJobsUnknown(seen, remote)
		}
	}
	return ""
}

func whyNotSeenToRun(file *scenario.File, seen *Observation) string {
	mustRun := file.MustRun()
	for _, key := range slices.Sorted(maps.Keys(mustRun)) {
		if seen.objectsProve(key) {
			continue
		}
		for _, name := range mustRun[key] {
			if probe := seen.Pods[key].Probes[name]; probe.Runs == 0 {
				return fmt.Sprintf("nothing shows that container %s of pod %s ran: %s", name, key, cmp.Or(probe.Why, whyNoLook(seen)))
			}
		}
	}
	return ""
}

// objectsProve reports whether a remote pod shows what the containers of a pod do and find:
// simulated nodes do what the objects say.
func (o *Observation) objectsProve(key string) bool { return !o.Probed && o.RemotePods[key] != nil }

// whyContentsUnknown returns why the variables or files of a container are unknown.
func whyContentsUnknown(aspect scenario.Aspect, file *scenario.File, seen *Observation) string {
	for _, key := range slices.Sorted(maps.Keys(file.Expect.Pods)) {
		if seen.objectsProve(key) {
			continue
		}
		e := file.Expect.Pods[key]
		names := slices.AppendSeq(slices.Collect(maps.Keys(e.Env)), maps.Keys(e.NoEnv))
		if aspect == scenario.AspectFiles {
			names = slices.AppendSeq(slices.Collect(maps.Keys(e.Files)), maps.Keys(e.NoFiles))
		}
		slices.Sort(names)
		for _, name := range names {
			probe := seen.Pods[key].Probes[name]
			if why := cmp.Or(probe.Why, probe.NoContents); probe.Runs == 0 || why != "" {
				return fmt.Sprintf("nothing shows the inside of container %s of pod %s: %s", name, key, cmp.Or(why, whyNoLook(seen)))
			}
		}
	}
	return ""
}

// whyRemoteUnknown returns why the remote pods are unknown.
func whyRemoteUnknown(seen *Observation) string {
	if len(seen.RemotePods) > 0 {
		return ""
	}
	return whyNoLook(seen)
}

// isForeign reports whether the remote cluster of another plugin is observed and has nothing of
// it: that plugin may name its objects in its own way, or run pods elsewhere.
func isForeign(file *scenario.File, seen *Observation) bool {
	return file.IsPortable() && seen.Created != nil && len(seen.RemotePods) == 0
}

func whyNoLook(seen *Observation) string {
	if seen.Created == nil {
		return "the remote cluster is not observed"
	}
	return "no pod of the remote cluster carries the UID of the local pod"
}

// whyDoublesUnknown returns why it is unknown whether each pod whose create is sent more than
// once runs once.
func whyDoublesUnknown(file *scenario.File, seen *Observation) string {
	for _, key := range file.SentTwice() {
		if seen.RemotePods[key] != nil { // replaced ones are violations
			continue
		}
		if why := cmp.Or(whyJobsUnknown(seen, whyNoLook(seen)), whyJobsOfPodUnknown(file, seen.Jobs, key), seen.Pods[key].RunUnknown); why != "" {
			return why
		}
	}
	return ""
}

// whyJobsOfPodUnknown returns why the number of jobs does not tell that of one pod.
func whyJobsOfPodUnknown(file *scenario.File, jobs *Jobs, key string) string {
	switch pods := len(file.MustRun()); {
	case jobs == nil:
	case jobs.ByPod != nil && jobs.ByPod[key] == 0:
		return fmt.Sprintf("the command that lists the plugin's jobs listed none for pod %s while it existed", key)
	case jobs.ByPod == nil && jobs.Most < pods:
		return fmt.Sprintf("the command that lists the plugin's jobs listed %s for %s", plural(jobs.Most, "job"), plural(pods, "pod"))
	}
	return ""
}

// whyJobsUnknown returns why it is unknown which jobs the plugin has. That nothing is left
// means something only if something was there.
func whyJobsUnknown(seen *Observation, remote string) string {
	switch jobs := seen.Jobs; {
	case jobs == nil:
		return remote + ", and no command lists the plugin's jobs"
	case jobs.Why != "":
		return jobs.Why
	case jobs.Most == 0:
		return "the command that lists the plugin's jobs listed none while the pods existed"
	}
	return ""
}
