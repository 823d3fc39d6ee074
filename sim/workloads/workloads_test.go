package workloads_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/workloads"
)

var update = flag.Bool("update", false, "rewrite the part of each golden file below the dashes")

// summary is what a controller adds to a pod.
type summary struct {
	From, Namespace, Name, Owner string
	Hostname, Subdomain          string            `json:",omitempty"`
	Labels, Annotations          map[string]string `json:",omitempty"`
	Volumes, Env, NotRead        []string          `json:",omitempty"`
	FailurePolicy                bool              `json:",omitempty"`
}

func summarize(pod workloads.Pod) summary {
	s := summary{
		From: pod.From, Namespace: pod.Namespace, Name: pod.Name, Hostname: pod.Spec.Hostname, Subdomain: pod.Spec.Subdomain,
		Labels: pod.Labels, Annotations: pod.Annotations, FailurePolicy: pod.FailurePolicy != nil, NotRead: pod.NotRead,
	}
	for _, owner := range pod.OwnerReferences {
		s.Owner += owner.Kind + " " + owner.Name
	}
	for _, volume := range pod.Spec.Volumes {
		text := volume.Name
		if claim := volume.PersistentVolumeClaim; claim != nil {
			text += ": claim " + claim.ClaimName
		}
		s.Volumes = append(s.Volumes, text)
	}
	for _, c := range append(append([]corev1.Container{}, pod.Spec.InitContainers...), pod.Spec.Containers...) {
		for _, variable := range c.Env {
			text := c.Name + " " + variable.Name
			if from := variable.ValueFrom; from != nil && from.FieldRef != nil {
				text += ": field " + from.FieldRef.FieldPath
			}
			s.Env = append(s.Env, text)
		}
	}
	return s
}

// Each file of testdata has manifests, a line of dashes, and what the pods of the
// controllers have.
func TestPods(t *testing.T) {
	files, err := filepath.Glob("testdata/*.golden")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d golden files, error %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".golden"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			above, below, _ := strings.Cut(string(content), "\n----------\n")
			manifests, err := workloads.Manifests([]byte(above))
			if err != nil {
				t.Fatal(err)
			}
			var got []summary
			for _, manifest := range manifests {
				pods, err := workloads.Pods(manifest)
				if err != nil {
					t.Fatal(err)
				}
				for _, pod := range pods {
					got = append(got, summarize(pod))
				}
			}
			if *update {
				text, err := yaml.Marshal(got)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(strings.TrimSuffix(above, "\n")+"\n----------\n"+string(text)), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			var want []summary
			if err := yaml.UnmarshalStrict([]byte(below), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("pods (-want +got)\n%s", diff)
			}
		})
	}
}

func TestPodsReportsInvalidManifests(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"an unknown field", `{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {templat: {}}}`, `read Job a: error unmarshaling JSON: while decoding JSON: json: unknown field "templat"`},
		{"a wrong type", `{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {replicas: two}}`, "read Deployment a: "},
		{"an unknown field in a kind that is not known", `{apiVersion: ray.io/v1, kind: RayJob, metadata: {name: a}, spec: {head: {template: {spec: {containers: [{name: c, imag: x}]}}}}}`, `read RayJob a: spec.head.template: `},
		{"a Volcano Job", `{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, metadata: {name: a}, spec: {tasks: {}}}`, "read Job a: "},
		{"a JobSet", `{apiVersion: jobset.x-k8s.io/v1alpha2, kind: JobSet, metadata: {name: a}, spec: {replicatedJobs: {}}}`, "read JobSet a: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			manifests, err := workloads.Manifests([]byte(test.text))
			if err != nil || len(manifests) != 1 {
				t.Fatalf("%d manifests, error %v", len(manifests), err)
			}
			if pods, err := workloads.Pods(manifests[0]); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%d pods, error %v; want %s", len(pods), err, test.want)
			}
		})
	}
	if _, err := workloads.Manifests([]byte("a: [")); err == nil {
		t.Error("no error for text that is not YAML")
	}
}

// A name that the API server generates has at most 63 characters, and keeps the index of an Indexed
// Job.
func TestLongNames(t *testing.T) {
	name := strings.Repeat("a", 63)
	for _, test := range []struct{ mode, want string }{
		{"NonIndexed", strings.Repeat("a", 58) + "x7k2p"},
		{"Indexed", strings.Repeat("a", 55) + "-0-x7k2p"},
	} {
		manifests, err := workloads.Manifests([]byte(`{apiVersion: batch/v1, kind: Job, metadata: {name: ` + name + `}, spec: {completionMode: ` + test.mode + `, template: {spec: {containers: [{name: c}]}}}}`))
		if err != nil {
			t.Fatal(err)
		}
		pods, err := workloads.Pods(manifests[0])
		if err != nil || len(pods) != 1 {
			t.Fatalf("%d pods, error %v", len(pods), err)
		}
		if pods[0].Name != test.want || len(test.want) != 63 {
			t.Errorf("name %s, want %s", pods[0].Name, test.want)
		}
	}
}

// A pod of Volcano's plugin svc needs a ConfigMap that no manifest has.
func TestBeside(t *testing.T) {
	const job = `{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, metadata: {name: sim, namespace: hpc}, spec: {plugins: {svc: []}, tasks: [{name: main, template: {spec: {hostname: head}}}, {name: a-b, replicas: 2, template: {}}, {name: many, replicas: 2000000000}, {name: more, replicas: 2000000000}]}}`
	for _, test := range []struct {
		name, text string
		want       bool
	}{
		{"with the plugin svc", job, true},
		{"without the plugin", strings.Replace(job, "svc", "env", 1), false},
		{"a Job of Kubernetes", `{apiVersion: batch/v1, kind: Job, metadata: {name: sim}}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			manifests, err := workloads.Manifests([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			hosts, service, err := workloads.Beside(manifests[0])
			if err != nil || (hosts != nil) != test.want || (service != nil) != test.want {
				t.Fatalf("ConfigMap %v, Service %v, error %v", hosts, service, err)
			}
			if hosts == nil {
				return
			}
			if hosts.Name != "sim-svc" || hosts.Namespace != "hpc" || hosts.Data["VC_MAIN_HOSTS"] != "head.sim" || hosts.Data["a-b.host"] != "sim-a-b-0.sim\nsim-a-b-1.sim" || hosts.Data["VC_A_B_NUM"] != "2" || hosts.Data["VC_MANY_NUM"] != "2000000000" {
				t.Errorf("ConfigMap %s/%s: %s and %s pods", hosts.Namespace, hosts.Name, hosts.Data["VC_A_B_NUM"], hosts.Data["VC_MANY_NUM"])
			}
			if all := hosts.Data["many.host"] + "\n" + hosts.Data["more.host"]; len(strings.Fields(all)) > 1000 || hosts.Data["VC_MORE_NUM"] != "2000000000" {
				t.Errorf("%d names of pods", len(strings.Fields(all)))
			}
			if service.Name != "sim" || service.Spec.Selector["volcano.sh/job-name"] != "sim" {
				t.Errorf("Service %v", service)
			}
		})
	}
}

func TestMayWritePods(t *testing.T) {
	for group, want := range map[string]bool{
		"v1": false, "networking.k8s.io/v1": false, "kueue.x-k8s.io/v1beta1": false, "apps/v1": false,
		"argoproj.io/v1alpha1": true, "tekton.dev/v1": true, "": false,
	} {
		if got := workloads.MayWritePods(workloads.Manifest{Fields: map[string]any{"apiVersion": group, "kind": "A"}}); got != want {
			t.Errorf("%q: %v", group, got)
		}
	}
}
