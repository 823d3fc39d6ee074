package admin

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// now is the time in tests.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fakeSource is a Source with facts that a test sets.
type fakeSource struct {
	overview Overview
	pods     []Pod
	details  map[string]Details
	orphans  Orphans
	settings Settings
}

func (s *fakeSource) Overview(context.Context) Overview { return s.overview }
func (s *fakeSource) Pods(context.Context) []Pod        { return slices.Clone(s.pods) }
func (s *fakeSource) Orphans(context.Context) Orphans   { return s.orphans }
func (s *fakeSource) Settings() Settings                { return s.settings }

func (s *fakeSource) Pod(_ context.Context, namespace, name string) (Details, bool) {
	details, ok := s.details[namespace+"/"+name]
	return details, ok
}

// samplePods returns pods of several teams; some are stuck.
func samplePods(n int) []Pod {
	teams := []string{"atlas", "bio", "climate", "default", "genomics-prod", "ml-training"}
	jobs := []string{"train-resnet", "align-reads", "notebook", "postprocess", "sweep"}
	pods := make([]Pod, n)
	for i := range pods {
		name := fmt.Sprintf("%s-%05d", jobs[i%len(jobs)], i)
		team := teams[i*7%len(teams)]
		pod := Pod{
			Namespace: team, Name: name, RemoteNamespace: "offloading-" + team, RemoteName: fmt.Sprintf("%s-6f2c1a7e-%04x", name, i),
			VirtualNode: fmt.Sprintf("interlink-%d", i%2), Node: fmt.Sprintf("gpu-worker-%02d", i%24), Phase: "Running",
			Created: now.Add(-time.Duration(i*i%900_000) * time.Second), Polled: now.Add(-time.Duration(i%9) * time.Second),
		}
		switch {
		case i%97 == 3:
			pod.Phase, pod.Node, pod.Reason, pod.Stuck = "Pending", "", "Unschedulable", true
			pod.Message = "0/24 nodes are available: 24 Insufficient nvidia.com/gpu. preemption: 0/24 nodes are available: 24 No preemption victims found for incoming pod."
		case i%131 == 7:
			pod.Phase, pod.Reason, pod.Stuck = "Pending", "ImagePullBackOff", true
			pod.Message = `Back-off pulling image "registry.example.org/team/train:latest"`
		case i%71 == 9:
			pod.Reason, pod.Restarts, pod.Stuck = "CrashLoopBackOff", 3+i%40, true
		case i%53 == 11:
			pod.Phase = "Succeeded"
		case i%61 == 13:
			pod.Phase, pod.Reason, pod.Message = "Failed", "OOMKilled", "container main ended with exit code 137"
		case i%89 == 17:
			pod.Phase, pod.Node, pod.Reason = PhaseWaiting, "", "QuotaExceeded"
			pod.Message = "exceeded quota: team, requested: requests.cpu=8, used: requests.cpu=60, limited: requests.cpu=64"
		case i%301 == 21:
			pod.Phase = PhaseTerminating
		case i%37 == 5:
			pod.Warnings = 1 + i%3
		}
		pods[i] = pod
	}
	return pods
}

// sampleSource returns a Source that has something of everything.
func sampleSource(n int) *fakeSource {
	s := &fakeSource{
		overview: Overview{
			Checks: []Check{{Name: "pod-cache-synced"}, {Name: "remote-accepted"}, {Name: "watch-fresh"}},
			Tiles: []Tile{
				{Label: "Running", Value: "4,512", Level: Fine, Link: "/?phase=Running"}, {Label: "Pending", Value: "94", Level: Fine},
				{Label: "Requests", Value: "1.2M", Note: "0 failed", Level: Fine}, {Label: "In flight", Value: "3", Level: Fine},
				{Label: "Waiting for quota", Value: "56", Note: "oldest 3h12m", Level: Warn, Link: "/?phase=Waiting"},
				{Label: "Orphans", Value: "1", Level: Warn, Link: "/orphans"}, {Label: "Watch heard", Value: "12s ago", Level: Fine},
			},
			Capacity: []Capacity{
				{Resource: "cpu", Offered: "512", Used: "371", Percent: 72}, {Resource: "memory", Offered: "2Ti", Used: "1180Gi", Percent: 57},
				{Resource: "nvidia.com/gpu", Offered: "32", Used: "32", Percent: 100}, {Resource: "pods", Offered: "6000", Used: "5000", Percent: 83},
			},
			CapacityNote: "From the nodes of the remote cluster, less what other pods request.",
		},
		pods:    samplePods(n),
		details: map[string]Details{},
		orphans: Orphans{
			Note: "Marked pods are deleted 1h after the mark.", Searched: now.Add(-40 * time.Second),
			Deleted: []Tile{{Label: "pods", Value: "2"}, {Label: "secrets", Value: "1"}},
		},
		settings: Settings{File: "/etc/interlink/config/config.ini", Options: []Setting{
			{Section: "app", Key: "instance", Value: "site-a", Source: "file config.ini line 3", Help: "Name of this installation, a label value.", Changed: true},
			{Section: "k8s", Key: "kubeconfig", Value: "********", Source: "environment K8S_KUBECONFIG", Help: "Content of a kubeconfig.", Changed: true},
			{Section: "k8s", Key: "qps", Value: "0", Source: "default", Help: "Average number of requests per second."},
		}},
	}
	for i := range s.pods {
		pod := s.pods[i]
		s.details[pod.RemoteNamespace+"/"+pod.RemoteName] = sampleDetails(pod)
	}
	if n > 3 {
		s.orphans.Marked = []Orphan{{Pod: s.pods[3], Since: now.Add(-25 * time.Minute)}}
	}
	return s
}

// sampleDetails returns the details of a pod that runs.
func sampleDetails(pod Pod) Details {
	at := func(seconds int) time.Time { return pod.Created.Add(time.Duration(seconds) * time.Second) }
	return Details{
		Pod: pod, UID: "6f2c1a7e-2b1d-4d65-9f6e-0d8f6a1c9b11", RemoteUID: "a3a4c7de-51b0-4f27-8a0e-2f7a9e0f1c22",
		Timeline: []Step{
			{Name: "Created", At: at(0), Note: "in the remote cluster"}, {Name: "Scheduled", At: at(2), Note: "to " + pod.Node},
			{Name: "Pulled", At: at(31), Note: "main: registry.example.org/team/train:1.4"}, {Name: "Running", At: at(33), Note: "main started"}, {Name: "Ended"},
		},
		Containers: []Container{
			{Name: "prepare", Kind: "init", State: "ended", Started: at(4), Finished: at(29), ExitCode: "0", Requests: "cpu 500m, memory 1Gi"},
			{Name: "main", State: "running", Ready: true, Restarts: pod.Restarts, Started: at(33), Requests: "cpu 8, memory 32Gi, nvidia.com/gpu 1"},
		},
		Objects:  []Object{{Resource: "configmaps", Name: "train-config-6f2c1a7e"}, {Resource: "secrets", Name: "registry-6f2c1a7e"}, {Resource: "persistentvolumeclaims", Name: "datasets", Note: "outlives the pod"}},
		Warnings: []string{"volume host-tools: host paths are not permitted; the volume is dropped"},
		Events: []Event{
			{Last: at(31), Count: 1, Reason: "Pulled", Message: `Successfully pulled image "registry.example.org/team/train:1.4" in 27s`, Level: Fine},
			{Last: at(60), Count: 4, Reason: "Unhealthy", Level: Warn},
		},
	}
}
