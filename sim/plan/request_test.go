package plan_test

import (
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/plan"
)

// recorded is a create request of a virtual kubelet that does not resolve variables. The managed
// fields tell that three variables come from fields, not from which ones.
const recorded = `{"pod": {"metadata": {"name": "a", "namespace": "default", "uid": "0f0f0f0f-0000-4000-8000-000000000001", "labels": {"address": "127.0.0.1"}, ` +
	`"managedFields": [{"manager": "python", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": ` +
	`{"f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {"f:env": {"k:{\"name\":\"IP\"}": {"f:valueFrom": {"f:fieldRef": {}}}, "k:{\"name\":\"WHERE\"}": {"f:valueFrom": {"f:fieldRef": {}}}}}}}}}]}, ` +
	`"spec": {"nodeName": "gpu-node", "containers": [{"name": "c", "image": "i", "env": [{"name": "IP", "value": "127.0.0.1"}, {"name": "WHERE", "value": ""}]}]}}}`

const original = `{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {address: 127.0.0.1}}, spec: {nodeName: gpu-node, containers: [{name: c, image: i, ` +
	`env: [{name: IP, valueFrom: {fieldRef: {fieldPath: "metadata.labels['address']"}}}, {name: WHERE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]}]}}`

// A recorded request lacks the pod that the user wrote. Another file can have it; without one, the
// report says that fields are guessed.
func TestOriginalOfARecordedRequest(t *testing.T) {
	const note = "the pod as the user wrote it is not known"
	reports := func(texts ...string) []plan.Report {
		var inputs []plan.Input
		for _, text := range texts {
			inputs = append(inputs, plan.Input{Path: "file", Text: []byte(text)})
		}
		reports, err := plan.Reports(t.Context(), inputs, plan.Settings{Environ: environ})
		if err != nil {
			t.Fatal(err)
		}
		return reports
	}
	alone := reports(recorded)[0]
	if !strings.Contains(alone.Note, note) || strings.Count(alone.Text(), "# note: "+note) != 1 {
		t.Errorf("note %q\n%s", alone.Note, alone.Text())
	}
	if got := variable(alone, "IP"); got != "the field status.podIP of the remote pod" {
		t.Errorf("IP, guessed: %s", got)
	}
	both := reports(recorded, original)[0]
	if both.Note != "" {
		t.Errorf("with the manifest: note %q", both.Note)
	}
	for name, want := range map[string]string{"IP": `the text "127.0.0.1"`, "WHERE": `the text "gpu-node"`} {
		if got := variable(both, name); got != want {
			t.Errorf("%s, with the manifest: %s, want %s", name, got, want)
		}
	}
	const job = `{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {nodeName: gpu-node, containers: [{name: c, image: i, ` +
		`env: [{name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}, {name: WHERE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]}]}}}}`
	ofJob := strings.Replace(recorded, `"labels"`, `"ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u", "controller": true}], "labels"`, 1)
	if report := reports(ofJob, job)[0]; report.Note != "" || variable(report, "IP") != "the field status.podIP of the remote pod" {
		t.Errorf("with the manifest of its Job: note %q, variables %+v", report.Note, report.Variables)
	}
	if report := reports(ofJob, strings.Replace(job, "name: j}", "name: other}", 1))[0]; report.Note == "" {
		t.Error("with the manifest of another Job: no note")
	}
	if report := reports(recorded, strings.Replace(original, "metadata: {", "metadata: {namespace: other, ", 1))[0]; report.Note == "" {
		t.Error("with the manifest of another pod: no note")
	}
	stripped := recorded[:strings.Index(recorded, `"managedFields"`)] + `"generation": 1}, ` + recorded[strings.Index(recorded, `"spec"`):]
	if report := reports(stripped)[0]; !strings.Contains(report.Note, note) {
		t.Errorf("without managed fields: note %q", report.Note)
	}
	values := strings.NewReplacer(`"value": "127.0.0.1"`, `"value": "x"`, `"value": ""`, `"value": "y"`)
	if report := reports(values.Replace(stripped))[0]; report.Note != "" {
		t.Errorf("with values: note %q", report.Note)
	}
	if report := reports(strings.Replace(original, "nodeName: gpu-node", "nodeName: vnode", 1))[0]; report.Note != "" {
		t.Errorf("a manifest: note %q", report.Note)
	}
}

// variable says what becomes of a variable.
func variable(report plan.Report, name string) string {
	for _, part := range report.Variables {
		if part.Name == name {
			return part.Becomes
		}
	}
	return ""
}

// A request is found by the template of its pod, not by that of another pod of the same owner, and
// not at all if several templates fit.
func TestTemplateOfARecordedRequest(t *testing.T) {
	recordedOf := func(owner, labels string) string {
		group, name, _ := strings.Cut(owner, " ")
		kind, name, _ := strings.Cut(name, " ")
		return strings.Replace(recorded, `"labels": {`, `"ownerReferences": [{"apiVersion": "`+group+`", "kind": "`+kind+`", "name": "`+name+`", "uid": "u", "controller": true}], "labels": {`+labels, 1)
	}
	template := func(field string) string {
		return `template: {spec: {nodeName: gpu-node, containers: [{name: c, image: i, env: [{name: IP, valueFrom: {fieldRef: {fieldPath: "` + field + `"}}}, {name: WHERE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]}]}}`
	}
	const address = "metadata.labels['address']" // and not status.podIP, which would be guessed
	torch := `{apiVersion: kubeflow.org/v1, kind: PyTorchJob, metadata: {name: m}, spec: {pytorchReplicaSpecs: {Master: {` + template("status.podIP") + `}, Worker: {` + template(address) + `}}}}`
	for _, test := range []struct{ name, manifest, request, want string }{
		{"Deployment", `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {` + template(address) + `}}`, recordedOf("apps/v1 ReplicaSet web-7f9c6bd5", ""), `the text "127.0.0.1"`},
		{
			"CronJob", `{apiVersion: batch/v1, kind: CronJob, metadata: {name: night}, spec: {jobTemplate: {spec: {` + template(address) + `}}}}`,
			recordedOf("batch/v1 Job night-29310420", ""), `the text "127.0.0.1"`,
		},
		{
			"JobSet", `{apiVersion: jobset.x-k8s.io/v1alpha2, kind: JobSet, metadata: {name: t}, spec: {replicatedJobs: [{name: w, replicas: 3, template: {spec: {` + template(address) + `}}}]}}`,
			recordedOf("batch/v1 Job t-w-2", ""), `the text "127.0.0.1"`,
		},
		{"Worker", torch, recordedOf("kubeflow.org/v1 PyTorchJob m", `"training.kubeflow.org/replica-type": "worker", `), `the text "127.0.0.1"`},
		{"Master", torch, recordedOf("kubeflow.org/v1 PyTorchJob m", `"training.kubeflow.org/replica-type": "master", `), "the field status.podIP of the remote pod"},
		{"several templates", torch, recordedOf("kubeflow.org/v1 PyTorchJob m", ""), ""},
		{
			"several templates with the same variables", strings.Replace(torch, "status.podIP", address, 1), recordedOf("kubeflow.org/v1 PyTorchJob m", ""), `the text "127.0.0.1"`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			reports, err := plan.Reports(t.Context(), []plan.Input{{Path: "request.json", Text: []byte(test.request)}, {Path: "manifest.yaml", Text: []byte(test.manifest)}}, plan.Settings{Environ: environ})
			if err != nil {
				t.Fatal(err)
			}
			if hasNote := reports[0].Note != ""; hasNote != (test.want == "") || !hasNote && variable(reports[0], "IP") != test.want {
				t.Errorf("note %q, IP: %s, want %s", reports[0].Note, variable(reports[0], "IP"), test.want)
			}
		})
	}
}

// A recorded request was sent, so it was placed: on the node that its pod names.
func TestNodeOfARecordedRequest(t *testing.T) {
	reports, err := plan.Reports(t.Context(), []plan.Input{{Path: "request.json", Text: []byte(recorded)}}, plan.Settings{Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	text := reports[0].Text()
	if len(reports[0].Hints) > 0 || !strings.Contains(text, "gpu-node") || strings.Contains(text, "vnode") {
		t.Errorf("hints %q\n%s", reports[0].Hints, text)
	}
}

// Requests of several files know each other's names, and what the virtual kubelet has added.
func TestHintsOfRecordedRequests(t *testing.T) {
	request := func(name, annotations, spec, env string) string {
		return `{"pod": {"metadata": {"name": "` + name + `", "namespace": "default", "uid": "0f0f0f0f-0000-4000-8000-00000000000` + name[:1] + `", "annotations": {` + annotations + `}}, ` +
			`"spec": {"nodeName": "vnode", ` + spec + `"containers": [{"name": "c", "image": "i", "env": [` + env + `]}]}}}`
	}
	head := request("a-head", `"interlink.io/service": "demo-head-svc:6379"`, "", "")
	worker := request("b-worker", "", "", `{"name": "FQ_RAY_IP", "value": "demo-head-svc"}`)
	account := `"serviceAccountName": "robot", `
	knows := request("c", "", account, `{"name": "KUBERNETES_SERVICE_HOST", "value": "api.example.org"}, {"name": "KUBERNETES_SERVICE_PORT", "value": "6443"}`)
	for _, test := range []struct {
		name  string
		files []string
		want  string
	}{
		{"worker and head", []string{worker, head}, ""},
		{"a worker alone", []string{worker}, "a worker calls its head"},
		{"the local API server", []string{knows}, ""},
		{"no API server", []string{request("c", "", account, "")}, "service account robot: its token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var inputs []plan.Input
			for _, text := range test.files {
				inputs = append(inputs, plan.Input{Path: "request.json", Text: []byte(text)})
			}
			reports, err := plan.Reports(t.Context(), inputs, plan.Settings{Environ: environ})
			if err != nil {
				t.Fatal(err)
			}
			hints := reports[0].Hints
			if test.want == "" && len(hints) > 0 || test.want != "" && (len(hints) != 1 || !strings.Contains(hints[0], test.want)) {
				t.Errorf("hints %q, want %q", hints, test.want)
			}
		})
	}
}
