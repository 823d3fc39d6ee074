package plan_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/plan"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

const everything = `
apiVersion: v1
kind: Secret
metadata: {name: sec}
stringData: {K: hidden}
---
apiVersion: v1
kind: Pod
metadata:
  name: all
  annotations: {interlink.io/remote-pvc: "made, there", interlink.io/remote-pvc.made: '{"storage":"1Gi"}', interlink.eu/disable-offload-containers: here}
spec:
  nodeName: vnode
  subdomain: group
  nodeSelector: {disk: ssd}
  tolerations: [{key: a, operator: Exists}]
  affinity: {podAffinity: {}}
  runtimeClassName: fast
  priorityClassName: high
  serviceAccountName: robot
  schedulerName: own
  imagePullSecrets: [{name: pull}]
  containers:
  - name: main
    image: i
    env:
    - {name: WRITTEN, value: v}
    - {name: SECRET, valueFrom: {secretKeyRef: {name: sec, key: K}}}
    - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: LIMIT, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
    - {name: OPTIONAL, valueFrom: {configMapKeyRef: {name: none, key: k, optional: true}}}
    volumeMounts: [{name: tmp, mountPath: /t}, {name: sec, mountPath: /s}, {name: made, mountPath: /m}, {name: there, mountPath: /h}, {name: host, mountPath: /x}]
  - {name: here, image: i, env: [{name: A, value: b}]}
  volumes:
  - {name: tmp, emptyDir: {}}
  - {name: sec, secret: {secretName: sec}}
  - {name: made, persistentVolumeClaim: {claimName: made}}
  - {name: there, persistentVolumeClaim: {claimName: there}}
  - {name: host, hostPath: {path: /}}
  - {name: unused, hostPath: {path: /}}
`

func TestPartsOfAPod(t *testing.T) {
	settings := plan.Settings{Environ: append(slices.Clone(environ), "OFFLOADING_UNSUPPORTED_VOLUMES=drop", "OFFLOADING_POD_SECURITY=privileged", "OFFLOADING_SCHEDULER_NAME=own")}
	report := reportsOf(t, "pod.yaml", []byte(everything), settings)[0]
	parts := map[string]string{}
	for _, list := range [][]plan.Part{report.Names, report.Placement, report.Volumes, report.Variables} {
		for _, part := range list {
			if name := strings.TrimSpace(part.Container + " " + part.Name); !strings.HasPrefix(name, "kube-api-access-") {
				parts[name] = part.Becomes
			}
		}
	}
	uid := strings.TrimPrefix(parts["of the pod"], "all -> all-")
	want := map[string]string{
		"of the pod": "all -> all-" + uid, "of the namespace": "default -> offloading-default", "hostname": "all", "subdomain": "group",
		"of Service group": "a headless Service, which each pod that uses the name owns",
		"nodeSelector":     "disk=ssd -> none", "tolerations": "a -> none", "affinity": "set -> none", "runtimeClassName": "fast -> none",
		"priorityClassName": "high -> none", "serviceAccountName": "robot -> none", "schedulerName": "as it is written", "imagePullSecrets": "pull -> none",
		"tmp": "as it is written", "sec": "Secret sec-" + uid, "made": "claim made, made with 1Gi unless it exists",
		"there": "claim there, which must exist in the remote cluster", "host": "left out", "unused": "left out: no container mounts it",
		"main WRITTEN": "as it is written", "main SECRET": "the value from Secret sec", "main NAME": `the text "all"`,
		"main OPTIONAL": "lost", "main LIMIT": "the resource limits.cpu of the remote container", "here A": "stays in the local cluster, with its container",
	}
	if diff := cmp.Diff(want, parts); diff != "" {
		t.Errorf("parts (-want +got)\n%s", diff)
	}
	text := report.Text()
	for _, want := range []string{
		"# pod default/all: sent and created\n", "# volume host: left out\n", "# as written: placement schedulerName\n",
		"# variable OPTIONAL of container main: lost\n", "# as written: variable WRITTEN of container main\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text does not contain %q:\n%s", want, text)
		}
	}
	for part, becomes := range parts {
		if strings.Contains(becomes, "hidden") {
			t.Errorf("%s shows the value of a Secret: %s", part, becomes)
		}
	}
}

func TestJSON(t *testing.T) {
	reports := reportsOf(t, "pods.yaml", []byte(everything+"---\n{apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {nodeName: vnode, containers: [{name: c, image: i, envFrom: [{secretRef: {name: none}}]}]}}\n"),
		plan.Settings{Environ: append(slices.Clone(environ), "OFFLOADING_UNSUPPORTED_VOLUMES=refuse")})
	text, err := plan.JSON(reports)
	if err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"names", "placement", "volumes", "variables"} {
		if list, _ := got[0][part].([]any); len(list) == 0 {
			t.Errorf("the pod that is refused has no %s", part)
		}
		delete(got[0], part)
	}
	want := []map[string]any{
		{"pod": "default/all", "sent": true, "reason": "", "objects": []any{}, "warnings": got[0]["warnings"], "refusals": got[0]["refusals"], "hints": got[0]["hints"]},
		{"pod": "default/b", "sent": false, "reason": "container c: the local cluster has no Secret default/none", "objects": []any{}, "warnings": []any{}, "refusals": []any{}, "hints": []any{}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reports (-want +got)\n%s", diff)
	}
	if refusals := reports[0].Refusals; len(refusals) != 1 || !strings.Contains(refusals[0], "volume host (hostPath)") {
		t.Errorf("refusals %q", refusals)
	}
	created := reportsOf(t, "pod.yaml", []byte(`{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: i}]}}`), plan.Settings{})
	var kinds []string
	for _, object := range created[0].Objects {
		var o struct {
			Kind string `json:"kind"`
		}
		if err := json.Unmarshal(object, &o); err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, o.Kind)
	}
	if diff := cmp.Diff([]string{"Namespace", "Pod", "Secret"}, kinds); diff != "" {
		t.Errorf("objects (-want +got)\n%s", diff)
	}
}

func TestHints(t *testing.T) {
	const pod = `{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {app: a}}, spec: {nodeName: vnode, %s}}`
	with := func(spec string) string { return strings.Replace(pod, "%s", spec, 1) }
	const container = `containers: [{name: c, image: i}]`
	job := `{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {podFailurePolicy: {rules: [%s]}, template: {spec: {nodeName: vnode, ` + container + `}}}}`
	service := with(container) + "\n---\n{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: %s}}}"
	calls := func(variable, host, spec string) string {
		return with(spec + `containers: [{name: c, image: i, env: [{name: ` + variable + `, value: "` + host + `"}]}]`)
	}
	const callee = "\n---\n" + `{apiVersion: v1, kind: Pod, metadata: {name: b, annotations: {interlink.io/service: "svc:23456"}}, spec: {nodeName: vnode, ` + container + `}}`
	const web = "\n---\n" + `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}, spec: {replicas: 3, serviceName: web, template: {spec: {nodeName: vnode, ` + container + `}}}}`
	for _, test := range []struct{ name, text, want string }{
		{"nothing", with(container), ""},
		{"not placed", `{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {` + container + `}}`, "no toleration of virtual-node.interlink/no-schedule"},
		{"placed", `{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {tolerations: [{key: virtual-node.interlink/no-schedule, operator: Exists}], ` + container + `}}`, ""},
		{
			"a live annotation", with(`volumes: [{name: d, downwardAPI: {items: [{path: ready, fieldRef: {fieldPath: "metadata.annotations['x']"}}]}}], ` + container),
			"file ready of volume d shows annotation x",
		},
		{
			"a live annotation in a projected volume",
			with(`volumes: [{name: d, projected: {sources: [{downwardAPI: {items: [{path: ready, fieldRef: {fieldPath: "metadata.annotations['x']"}}]}}]}}], ` + container),
			"file ready of volume d shows annotation x",
		},
		{"a label that is there", with(`volumes: [{name: d, downwardAPI: {items: [{path: app, fieldRef: {fieldPath: "metadata.labels['app']"}}]}}], ` + container), ""},
		{"stdin", with(`containers: [{name: c, image: i, stdin: true}]`), "container c has stdin or tty"},
		{"tty of an init container", with(`initContainers: [{name: d, image: i, tty: true}], ` + container), "container d has stdin or tty"},
		{"a Service", strings.Replace(service, "%s", "a", 1), "Service web selects the pod"},
		{"a Service of other pods", strings.Replace(service, "%s", "b", 1), ""},
		{"a service account", with(`serviceAccountName: robot, ` + container), "service account robot: its token is for the local API server"},
		{"a service account without a token", with(`serviceAccountName: robot, automountServiceAccountToken: false, ` + container), ""},
		{"conditions", strings.Replace(job, "%s", `{action: Ignore, onPodConditions: [{type: DisruptionTarget}]}`, 1), "podFailurePolicy.onPodConditions"},
		{"exit codes", strings.Replace(job, "%s", `{action: Ignore, onExitCodes: {operator: In, values: [250]}}`, 1), ""},
		{"Tekton", with(`containers: [{name: c, image: i, args: [-wait_file, /tekton/downward/ready]}]`), "running-in-environment-with-injected-sidecars"},
		{
			"Tekton with a sidecar", `{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {tekton.dev/taskRun: b}}, spec: {nodeName: vnode, containers: [{name: step-a, image: i}, {name: sidecar-db, image: i}]}}`,
			"Tekton ends container sidecar-db by a change of its image",
		},
		{"a container sidecar-db without Tekton", with(`containers: [{name: sidecar-db, image: i}]`), ""},
		{"KubeSpawner", `{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {component: singleuser-server}}, spec: {nodeName: vnode, ` + container + `}}`, "the hub and the proxy of JupyterHub connect to the address of the pod"},
		{"KubeSpawner with a mesh", `{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {component: singleuser-server}, annotations: {slurm-job.vk.io/pre-exec: "echo"}}, spec: {nodeName: vnode, ` + container + `}}`, ""},
		{"Argo", `{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {workflows.argoproj.io/workflow: b}}, spec: {nodeName: vnode, ` + container + `}}`, "Argo stops a running pod by exec"},
		{"GitLab Runner", with(`containers: [{name: helper, image: "registry.example.org/gitlab-runner-helper:x86_64-v17"}]`), "GitLab Runner"},
		{"JupyterHub", with(`initContainers: [{name: block-cloud-metadata, image: i}], ` + container), "blockWithIptables"},
		{"Spark", calls("SPARK_DRIVER_URL", "spark://CoarseGrainedScheduler@pi-driver-svc.default.svc:7078", ""), "a Spark executor"},
		{"Spark in client mode", calls("SPARK_DRIVER_URL", "spark://CoarseGrainedScheduler@driver.pi:7078", "hostname: driver, subdomain: pi, "), ""},
		{"Ray", calls("FQ_RAY_IP", "head.default.svc.cluster.local", ""), "a worker calls its head"},
		{"Dask", calls("DASK_SCHEDULER_ADDRESS", "tcp://scheduler.demo:8786", "hostname: scheduler, subdomain: demo, "), ""},
		{
			"Dask with a scheduler that stays local",
			calls("DASK_SCHEDULER_ADDRESS", "tcp://scheduler.demo:8786", "") + "\n---\n" + `{apiVersion: v1, kind: Pod, metadata: {name: s}, spec: {hostname: scheduler, subdomain: demo, ` + container + `}}`,
			"a worker calls its scheduler",
		},
		{
			"Dask with a scheduler that is offloaded",
			calls("DASK_SCHEDULER_ADDRESS", "tcp://scheduler.demo:8786", "") + "\n---\n" + `{apiVersion: v1, kind: Pod, metadata: {name: s}, spec: {nodeName: vnode, hostname: scheduler, subdomain: demo, ` + container + `}}`,
			"",
		},
		{"an address", calls("MASTER_ADDR", "192.0.2.1", ""), ""},
		{"PyTorch", calls("MASTER_ADDR", "master-0", ""), "a worker calls its master"},
		{"another pod of a StatefulSet", calls("MASTER_ADDR", "web-2.web", "") + web, ""},
		{"a pod that a StatefulSet does not have", calls("MASTER_ADDR", "web-3.web", "") + web, "a worker calls its master"},
		{"a pod of a StatefulSet by a long name", with(`containers: [{name: c, image: i, args: ["ping web-2.web.default.svc"]}]`) + web, "or use the name web-2.web"},
		{"PyTorch with a Service", calls("MASTER_ADDR", "svc", "") + callee, ""},
		{"Ray with a Service in another namespace", calls("FQ_RAY_IP", "svc.default.svc.cluster.local", "") + callee, "put default into [offloading] namespace_prefix_exclusions, or use the name svc"},
		{"a name with a namespace in a command", with(`subdomain: s, hostname: h, containers: [{name: c, image: i, args: ["ping h.s.default.svc"]}]`), "the pod calls h.s.default.svc"},
		{"a name in a ConfigMap", with(`subdomain: s, hostname: h, volumes: [{name: v, configMap: {name: m}}], `+container) + "\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {hosts: \"h.s.default.svc h.s.default.svc\"}}", "the pod calls h.s.default.svc"},
		{"a name in another namespace", with(`subdomain: s, hostname: h, containers: [{name: c, image: i, args: ["ping h.s.other.svc"]}]`), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			hints := reportsOf(t, "pod.yaml", []byte(test.text), plan.Settings{})[0].Hints
			if test.want == "" && len(hints) > 0 || test.want != "" && (len(hints) != 1 || !strings.Contains(hints[0], test.want)) {
				t.Errorf("hints %q, want %q", hints, test.want)
			}
		})
	}
	known := plan.Settings{Environ: []string{"CONFIG_FILE_PATH=" + os.DevNull}}
	known.VirtualKubelet.KubernetesAPI = "api.example.org:6443"
	if hints := reportsOf(t, "pod.yaml", []byte(with(`serviceAccountName: robot, `+container)), known)[0].Hints; len(hints) > 0 {
		t.Errorf("hints %q, though remote pods know the local API server", hints)
	}
}

// What Volcano's plugin svc creates beside the pods of a Job is known: without it, the virtual kubelet would not
// send the pods.
func TestVolcanoJob(t *testing.T) {
	const job = `
apiVersion: batch.volcano.sh/v1alpha1
kind: Job
metadata: {name: sim, namespace: hpc}
spec:
  schedulerName: default-scheduler
  plugins: {svc: [], ssh: []}
  tasks:
  - name: worker
    replicas: 2
    template: {spec: {tolerations: [{key: virtual-node.interlink/no-schedule, operator: Exists}], containers: [{name: main, image: sim, env: [{name: PEER, value: "http://sim-worker-1.sim:80"}]}]}}
`
	const service = "---\n{apiVersion: v1, kind: Service, metadata: {name: sim, namespace: hpc}, spec: {selector: {volcano.sh/job-name: sim}}}"
	for _, text := range []string{job, job + service} {
		reports := reportsOf(t, "job.yaml", []byte(text), plan.Settings{Environ: environ, VirtualKubelet: scenario.VirtualKubelet{SkipDownwardAPIResolution: true}})
		if len(reports) != 1 || reports[0].Pod != "hpc/sim-worker-0" || reports[0].Loses() {
			t.Fatalf("reports %+v", reports)
		}
		hints := reports[0].Hints
		if len(hints) != 2 || !strings.HasPrefix(hints[0], "Service sim selects the pod") || !strings.HasPrefix(hints[1], "what Volcano's plugin ssh adds is not read: give its pods") {
			t.Errorf("hints %q", hints)
		}
		if !strings.Contains(reports[0].Text(), "sim-worker-0.sim,sim-worker-1.sim") {
			t.Errorf("the names of the pods are missing:\n%s", reports[0].Text())
		}
	}
}
