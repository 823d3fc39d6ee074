package workloads_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/workloads"
)

// A pod of the cluster is found by its owner, whatever the controller generated, and by its role.
func TestSameTemplate(t *testing.T) {
	const template = `template: {spec: {containers: [{name: c, image: i}]}}`
	const ray = `{apiVersion: ray.io/v1, kind: RayCluster, metadata: {name: demo}, spec: {headGroupSpec: {` + template + `}, workerGroupSpecs: [{groupName: small, ` + template + `}, {groupName: large, ` + template + `}]}}`
	const torch = `{apiVersion: kubeflow.org/v1, kind: PyTorchJob, metadata: {name: mnist}, spec: {pytorchReplicaSpecs: {Master: {` + template + `}, Worker: {` + template + `}}}}`
	const volcano = `{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, metadata: {name: sim}, spec: {tasks: [{name: master, ` + template + `}, {name: worker, ` + template + `}]}}`
	const two = `{apiVersion: example.org/v1, kind: Pair, metadata: {name: p}, spec: {a: {` + template + `}, b: {` + template + `}}}`
	const jobSet = `{apiVersion: jobset.x-k8s.io/v1alpha2, kind: JobSet, metadata: {name: t}, spec: {replicatedJobs: [{name: w, replicas: 3, template: {spec: {` + template + `}}}, {name: w-1, template: {spec: {` + template + `}}}]}}`
	const deployment = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {` + template + `}}`
	const generated = `{apiVersion: batch/v1, kind: Job, metadata: {generateName: train-}, spec: {` + template + `}}`
	const cron = `{apiVersion: batch/v1, kind: CronJob, metadata: {name: night}, spec: {jobTemplate: {spec: {` + template + `}}}}`
	const step = `{apiVersion: v1, kind: Pod, metadata: {name: s, ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: Workflow, name: etl, uid: u, controller: true}]}, spec: {containers: [{name: c, image: i}]}}`
	const worker = `{apiVersion: v1, kind: Pod, metadata: {name: mnist-worker-0, labels: {training.kubeflow.org/replica-type: worker}, ownerReferences: [{apiVersion: kubeflow.org/v1, kind: PyTorchJob, name: mnist, uid: u, controller: true}]}, spec: {containers: [{name: c, image: i}]}}`
	for _, test := range []struct{ name, text, owner, labels, want string }{
		{"Deployment", deployment, "apps/v1 ReplicaSet web-7f9c6bd5", "", "0"},
		{"another Deployment", deployment, "apps/v1 ReplicaSet web-api-7f9c6bd5", "", ""},
		{"Job with generateName", generated, "batch/v1 Job train-b2c4d", "", "0"},
		{"a Job with another generateName", generated, "batch/v1 Job train-2-b2c4d", "", ""},
		{"another kind", deployment, "apps/v1 StatefulSet web-7f9c6bd5", "", ""},
		{"CronJob", cron, "batch/v1 Job night-29310420", "", "0"},
		{"a CronJob with a longer name", cron, "batch/v1 Job night-2-29310420", "", ""},
		{"JobSet", jobSet, "batch/v1 Job t-w-2", "", "0"},
		{"a replicated job whose name has an index", jobSet, "batch/v1 Job t-w-1-0", "", "1"},
		{"Master", torch, "kubeflow.org/v1 PyTorchJob mnist", "training.kubeflow.org/replica-type=master", "0"},
		{"Worker", torch, "kubeflow.org/v1 PyTorchJob mnist", "training.kubeflow.org/replica-type=worker", "1"},
		{"a role without template", torch, "kubeflow.org/v1 PyTorchJob mnist", "training.kubeflow.org/replica-type=evaluator", ""},
		{"another PyTorchJob", torch, "kubeflow.org/v1 PyTorchJob mnist-2", "training.kubeflow.org/replica-type=worker", ""},
		{"head", ray, "ray.io/v1 RayCluster demo", "ray.io/node-type=head ray.io/group=headgroup", "0"},
		{"a group of workers", ray, "ray.io/v1 RayCluster demo", "ray.io/node-type=worker ray.io/group=large", "2"},
		{"a task", volcano, "batch.volcano.sh/v1alpha1 Job sim", "volcano.sh/task-spec=worker", "1"},
		{"no role", two, "example.org/v1 Pair p", "", "0 1"},
		{"a pod of another step of a workflow", step, "argoproj.io/v1alpha1 Workflow etl", "", ""},
		{"a pod with the same role", worker, "kubeflow.org/v1 PyTorchJob mnist", "training.kubeflow.org/replica-type=worker", "0"},
		{"a pod with another role", worker, "kubeflow.org/v1 PyTorchJob mnist", "training.kubeflow.org/replica-type=master", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			owner := strings.Fields(test.owner)
			yes := true
			existing := &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{
					Name: "existing", Namespace: "default", Labels: map[string]string{},
					OwnerReferences: []metav1.OwnerReference{{APIVersion: owner[0], Kind: owner[1], Name: owner[2], Controller: &yes}},
				},
				Spec: corev1.PodSpec{InitContainers: []corev1.Container{{Name: "added"}}, Containers: []corev1.Container{{Name: "c"}}},
			}
			for _, label := range strings.Fields(test.labels) {
				name, value, _ := strings.Cut(label, "=")
				existing.Labels[name] = value
			}
			pods := podsOf(t, test.text)
			fits := func() string {
				var fit []string
				for i := range pods {
					if pods[i].SameTemplate(existing) {
						fit = append(fit, fmt.Sprint(i))
					}
				}
				return strings.Join(fit, " ")
			}
			if got := fits(); got != test.want {
				t.Errorf("template %q, want %q", got, test.want)
			}
			existing.Spec.Containers[0].Name = "other"
			if got := fits(); got != "" {
				t.Errorf("template %q without its container", got)
			}
			existing.Spec.Containers[0].Name, existing.Namespace = "c", "other"
			if got := fits(); got != "" {
				t.Errorf("template %q of another namespace", got)
			}
		})
	}
}

// podsOf returns the pods of a manifest, also of one that is a pod.
func podsOf(t *testing.T, text string) []workloads.Pod {
	t.Helper()
	manifests, err := workloads.Manifests([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if manifests[0].Kind() == "Pod" {
		encoded, err := json.Marshal(manifests[0].Fields)
		if err != nil {
			t.Fatal(err)
		}
		var pod workloads.Pod
		if err := json.Unmarshal(encoded, &pod.Pod); err != nil {
			t.Fatal(err)
		}
		pod.Namespace = "default"
		return []workloads.Pod{pod}
	}
	pods, err := workloads.Pods(manifests[0])
	if err != nil {
		t.Fatal(err)
	}
	return pods
}
