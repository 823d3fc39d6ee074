package workloads_test

import (
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/workloads"
)

// A manifest with generateName has a name, as the API server would give it one.
func TestGeneratedNames(t *testing.T) {
	const template = `template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}`
	for _, test := range []struct{ name, text, manifest, pod string }{
		{"Job", `{apiVersion: batch/v1, kind: Job, metadata: {generateName: train-}, spec: {` + template + `}}`, "train-x7k2p", "train-x7k2p-x7k2p"},
		{"Volcano Job", `{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, metadata: {generateName: train-}, spec: {tasks: [{name: w, ` + template + `}]}}`, "train-x7k2p", "train-x7k2p-w-0"},
		{"Workflow", `{apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {generateName: etl-}}`, "etl-x7k2p", ""},
		{"Pod", `{apiVersion: v1, kind: Pod, metadata: {generateName: a-}}`, "a-x7k2p", ""},
		{"a name and a generateName", `{apiVersion: v1, kind: Pod, metadata: {name: b, generateName: a-}}`, "b", ""},
		{"neither", `{apiVersion: v1, kind: Pod, metadata: {}}`, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			manifests, err := workloads.Manifests([]byte(test.text))
			if err != nil || len(manifests) != 1 || manifests[0].Name() != test.manifest {
				t.Fatalf("manifests %v, error %v; want the name %s", manifests, err, test.manifest)
			}
			pods, err := workloads.Pods(manifests[0])
			if err != nil || (len(pods) == 1) != (test.pod != "") {
				t.Fatalf("%d pods, error %v", len(pods), err)
			}
			if test.pod != "" && pods[0].Name != test.pod {
				t.Errorf("pod %s, want %s", pods[0].Name, test.pod)
			}
		})
	}
	const pod = "{apiVersion: v1, kind: Pod, metadata: {generateName: a-}}\n---\n"
	manifests, err := workloads.Manifests([]byte(pod + pod))
	if err != nil || len(manifests) != 2 || manifests[0].Name() == manifests[1].Name() || len(manifests[1].Name()) != len("a-x7k2p") {
		t.Errorf("two pods: %v, error %v", manifests, err)
	}
}

// The items of a typed list, as the API server answers it, have no kind.
func TestTypedLists(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"PodList", `{apiVersion: v1, kind: PodList, items: [{metadata: {name: a}}, {metadata: {name: b}}]}`, "Pod a, Pod b"},
		{"JobList", `{apiVersion: batch/v1, kind: JobList, items: [{metadata: {name: a}}]}`, "Job.batch a"},
		{"items with a kind", `{apiVersion: v1, kind: PodList, items: [{apiVersion: batch/v1, kind: Job, metadata: {name: a}}]}`, "Job.batch a"},
		{"List", `{apiVersion: v1, kind: List, items: [{metadata: {name: a}}, 1]}`, " a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			manifests, err := workloads.Manifests([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range manifests {
				got = append(got, m.GroupKind().String()+" "+m.Name())
			}
			if got := strings.Join(got, ", "); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
