package judge

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

const coreScenario = `apiVersion: sim.interlink.io/v1alpha1
kind: Scenario
metadata: {name: core}
spec:
  description: A pod runs.
  level: core
  steps:
  - {at: 5s, create: web}
  - {at: 20s, delete: other}
  expect:
    remote: {Pod: 2}
    pods:
      web:
        phases: [Pending, Running, Succeeded]
        env: {main: {A: b}}
        files: {main: {/c: d}}
      other:
        phases: [Pending, Running]
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {restartPolicy: Never, containers: [{name: main}]}
---
apiVersion: v1
kind: Pod
metadata: {name: other}
spec: {containers: [{name: main}]}
`

// ranElsewhere is an observation of coreScenario with a plugin whose containers say what they
// are, and whose jobs are listed.
func ranElsewhere() *Observation {
	seen := &Observation{Pods: map[string]*Pod{"web": {}, "other": {}}, Jobs: &Jobs{Most: 2}, Probed: true}
	web, other := seen.Pods["web"], seen.Pods["other"]
	web.Phases = []corev1.PodPhase{corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded}
	other.Phases = web.Phases[:2]
	web.Probes = map[string]Probe{"main": {Runs: 1, Env: map[string]string{"A": "b"}, Files: map[string]string{"/c": "d"}}}
	other.Probes = map[string]Probe{"main": {Runs: 1}}
	return seen
}

// A scenario passes only if what it is about was observed.
func TestNotJudged(t *testing.T) {
	const noLook = "the remote cluster is not observed"
	for _, test := range []struct {
		name   string
		change func(*Observation)
		want   []string
	}{
		{"everything was observed", func(*Observation) {}, nil},
		{"a container did not say that it runs", func(s *Observation) {
			s.Pods["other"].Probes["main"] = Probe{Why: "its log has no line of its own"}
		}, []string{"run: nothing shows that container main of pod other ran: its log has no line of its own"}},
		{"a pod that may run again did so", func(s *Observation) { s.Pods["other"].Probes["main"] = Probe{Runs: 2} }, nil},
		{"no container said anything", func(s *Observation) { s.Pods["web"].Probes, s.Pods["other"].Probes = nil, nil }, []string{
			"run: nothing shows that container main of pod other ran: " + noLook,
			"env: nothing shows the inside of container main of pod web: " + noLook,
			"files: nothing shows the inside of container main of pod web: " + noLook,
		}},
		{"no list of jobs", func(s *Observation) { s.Jobs = nil }, []string{
			"jobs: " + noLook + ", and no command lists the plugin's jobs", "left: " + noLook + ", and no command lists the plugin's jobs",
		}},
		{"no job was seen", func(s *Observation) { s.Jobs.Most = 0 }, []string{
			"jobs: the command that lists the plugin's jobs listed none while the pods existed",
			"left: the command that lists the plugin's jobs listed none while the pods existed",
		}},
		{"the command failed", func(s *Observation) { s.Jobs.Why = "squeue: not found" }, []string{"jobs: squeue: not found", "left: squeue: not found"}},
		{"an image without the programs that a container needs to tell what it finds", func(s *Observation) {
			s.Pods["web"].Probes["main"] = Probe{Runs: 1, NoContents: "its image has no od"}
		}, []string{
			"env: nothing shows the inside of container main of pod web: its image has no od",
			"files: nothing shows the inside of container main of pod web: its image has no od",
		}},
		{"a remote pod whose containers say nothing", func(s *Observation) {
			seeRemotePods(s)
			s.Pods["web"].Probes["main"] = Probe{Why: "its log has no line of its own"}
		}, []string{
			"run: nothing shows that container main of pod web ran: its log has no line of its own",
			"env: nothing shows the inside of container main of pod web: its log has no line of its own",
			"files: nothing shows the inside of container main of pod web: its log has no line of its own",
		}},
		{"remote pods of simulated nodes", func(s *Observation) {
			seeRemotePods(s)
			s.Probed, s.Pods["web"].Probes, s.Pods["other"].Probes = false, nil, nil
			s.RemotePods["web"].Spec.Containers = []corev1.Container{{Name: "main", Env: []corev1.EnvVar{{Name: "A", Value: "b"}}}}
			s.Created.ConfigMaps = []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "c"}, Data: map[string]string{"c": "d"}}}
			s.RemotePods["web"].Spec.Volumes = []corev1.Volume{{Name: "c", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}}}}}
			s.RemotePods["web"].Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "c", MountPath: "/c", SubPath: "c"}}
		}, nil},
		{"no job was seen of the pod that was created twice", func(s *Observation) {
			s.Jobs.ByPod = map[string]int{"other": 1}
		}, []string{"jobs: the command that lists the plugin's jobs listed none for pod web while it existed"}},
		{"fewer jobs than pods", func(s *Observation) { s.Jobs.Most = 1 }, []string{
			"jobs: the command that lists the plugin's jobs listed 1 job for 2 pods",
		}},
		{"only the other pod has a remote pod", func(s *Observation) {
			seeRemotePods(s)
			delete(s.RemotePods, "web")
			s.Created.Pods = s.Created.Pods[:1]
			s.Jobs = nil
		}, []string{"jobs: no pod of the remote cluster carries the UID of the local pod, and no command lists the plugin's jobs"}},
		{"the run before the second create is unknown", func(s *Observation) {
			s.Pods["web"].RunUnknown = "its log was empty"
		}, []string{"jobs: its log was empty"}},
		{"a remote cluster without the pods", func(s *Observation) {
			s.Jobs, s.Created, s.Left = nil, &inspect.Snapshot{}, &inspect.Snapshot{}
		}, []string{
			"jobs: no pod of the remote cluster carries the UID of the local pod, and no command lists the plugin's jobs",
			"left: no pod of the remote cluster carries the UID of the local pod, and no command lists the plugin's jobs",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			file, err := scenario.Parse("core.yaml", []byte(coreScenario))
			if err != nil {
				t.Fatal(err)
			}
			seen := ranElsewhere()
			test.change(seen)
			result := Judge(file.Portable(nil), seen)
			if len(result.Differences) > 0 || strings.Join(result.NotJudged, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("differences %v, not judged %q; want %q", result.Differences, result.NotJudged, test.want)
			}
		})
	}
}

// seeRemotePods adds a remote pod for each pod, with nothing in it.
func seeRemotePods(s *Observation) {
	s.Created, s.Left = &inspect.Snapshot{Pods: make([]corev1.Pod, 2)}, &inspect.Snapshot{}
	s.RemotePods = map[string]*corev1.Pod{"web": {}, "other": {}}
}

// What containers say about themselves, and which jobs exist, is compared like the remote
// cluster.
func TestOtherWaysToLook(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Observation)
		want   string
	}{
		{"no variable", func(s *Observation) { delete(s.Pods["web"].Probes["main"].Env, "A") }, "ENV-20: container main of pod web has no variable A, as its own log shows"},
		{"another value", func(s *Observation) { s.Pods["web"].Probes["main"].Env["A"] = "c" }, `ENV-20: container main of pod web has variable A with value "c", expected "b", as its own log shows`},
		{"no file", func(s *Observation) { delete(s.Pods["web"].Probes["main"].Files, "/c") }, "VOL-12: container main of pod web has no file /c, as its own log shows"},
		{"a claim that is no volume", func(s *Observation) {
			s.Pods["web"].Probes["main"] = Probe{Runs: 1, Env: map[string]string{"A": "b"}, Files: map[string]string{"/c": "d"}, Claims: map[string]bool{"/data": false, "/kept": true}}
		}, "VOL-14: container main of pod web cannot read what it writes into the volume of its claim at /data, as its own log shows"},
		{"a container that ran twice", func(s *Observation) {
			probe := s.Pods["web"].Probes["main"]
			probe.Runs = 2
			s.Pods["web"].Probes["main"] = probe
		}, "CREATE-8: container main of pod web has begun 2 times, expected once, as its own logs show"},
		{"a container of a remote pod without a variable", func(s *Observation) {
			seeRemotePods(s)
			delete(s.Pods["web"].Probes["main"].Env, "A")
		}, "ENV-20: container main of pod web has no variable A, as its own log shows"},
		{"two jobs of a pod", func(s *Observation) { s.Jobs.ByPod = map[string]int{"web": 2} }, "CREATE-8: the plugin had 2 jobs for pod web at the same time, expected 1"},
		{"too many jobs", func(s *Observation) { s.Jobs.Most = 3 }, "CREATE-8: the plugin had 3 jobs at the same time, expected 1 for each pod: 2"},
		{"a job is left", func(s *Observation) { s.Jobs.Left = []string{"17 R web"} }, "DELETE-1: the plugin has 1 job after all pods are deleted, expected 0: [17 R web]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file, err := scenario.Parse("core.yaml", []byte(coreScenario))
			if err != nil {
				t.Fatal(err)
			}
			seen := ranElsewhere()
			test.change(seen)
			if found := Judge(file.Portable(nil), seen).Differences; len(found) != 1 || found[0].String() != test.want {
				t.Errorf("%q; want %s", found, test.want)
			}
		})
	}
}

// Everything else about a refused pod follows from the refusal, and so do missing objects.
func TestFollowOns(t *testing.T) {
	file, err := scenario.Parse("core.yaml", []byte(coreScenario))
	if err != nil {
		t.Fatal(err)
	}
	refused := func(keys ...string) *Observation {
		seen := ranElsewhere()
		seen.Created, seen.RemotePods = &inspect.Snapshot{}, map[string]*corev1.Pod{"other": {}}
		seen.Violations = []Difference{{Rule: "STATUS-11", Text: "at 5s: the answer does not have this pod"}}
		for _, key := range keys {
			seen.Pods[key].Refusal = &Refusal{Status: 201, Text: "create of pod " + key + " was answered 201"}
			seen.Pods[key].Phases = []corev1.PodPhase{corev1.PodPending, corev1.PodFailed}
		}
		return seen
	}
	found := Judge(file, refused("web")).Differences
	if len(found) != 2 || found[0].Rule != "CREATE-4" || found[1].Rule != "STATUS-11" {
		t.Fatalf("one pod is refused: %q", found)
	}
	if got := strings.Join(found[0].FollowOns, "; "); !strings.Contains(got, "showed the phases") || !strings.Contains(got, "has 0 Pods") {
		t.Errorf("from the refusal of one pod follows: %s", got)
	}
	found = Judge(file, refused("web", "other")).Differences
	if len(found) != 2 || found[0].Rule != "CREATE-4" || found[1].Rule != "CREATE-4" || !strings.Contains(strings.Join(found[0].FollowOns, "; "), "at 5s") {
		t.Errorf("all pods are refused: %q, from the first one follows %q", found, found[0].FollowOns)
	}
	unfinished := refused("web", "other")
	unfinished.Unfinished = &Difference{Rule: "HTTP-5", Text: "the plugin did not answer GET /status"}
	if found = Judge(file, unfinished).Differences; len(found) != 3 || found[2].Rule != "HTTP-5" {
		t.Errorf("the scenario was not played to its end: %q", found)
	}
}
