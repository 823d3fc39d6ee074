package plan_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/plan"
)

var environ = []string{"CONFIG_FILE_PATH=" + os.DevNull} // no default file is read

// fixture returns the path and the content of a file of fixtures.
func fixture(t *testing.T, name string) (path string, text []byte) {
	t.Helper()
	path = filepath.Join(testkit.Root(t), "fixtures", filepath.FromSlash(name))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, text
}

// goldenRequest returns the create request of a golden file.
func goldenRequest(t *testing.T, name string) []byte {
	t.Helper()
	_, golden := fixture(t, "translate/"+name)
	request, _, _ := strings.Cut(string(golden), "\n----------\n")
	return []byte(request)
}

// reportsOf returns the reports of one input.
func reportsOf(t *testing.T, path string, text []byte, settings plan.Settings) []plan.Report {
	t.Helper()
	if settings.Environ == nil {
		settings.Environ = environ
	}
	reports, err := plan.Reports(t.Context(), []plan.Input{{Path: path, Text: text}}, settings)
	if err != nil {
		t.Fatal(err)
	}
	return reports
}

func TestTextShowsRemoteObjectsAndWarnings(t *testing.T) {
	dropped, droppedText := fixture(t, "scenarios/volume-hostpath-dropped.yaml")
	api, apiText := fixture(t, "scenarios/env-kubernetes-api.yaml")
	gated, gatedText := fixture(t, "scenarios/late-optional.yaml")
	for _, test := range []struct {
		name, path string
		text       []byte
		loses      bool
		want       []string
	}{
		{"a pod with a gate", gated, gatedText, false, []string{
			"scheduling gate interlink.io/dependents", "interlink.io/owned: configmaps/app-config-", "schedulingGates:\n  - name: interlink.io/dependents",
		}},
		{"a create request", "volumes.json", goldenRequest(t, "volumes.golden"), true, []string{
			"# warning: volume host (hostPath)", "kind: Namespace", "kind: ConfigMap", "kind: Secret", "kind: Pod", "password: czNjcjN0",
		}},
		{"a scenario with kubernetesAPI", api, apiText, false, []string{"KUBERNETES_SERVICE_HOST", "k8s-api.example.org"}},
		{"a scenario", dropped, droppedText, true, []string{"# warning: volume", "kind: Pod", "hostname: "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			reports := reportsOf(t, test.path, test.text, plan.Settings{})
			if len(reports) != 1 || reports[0].Loses() != test.loses || !reports[0].Sent {
				t.Fatalf("reports %+v", reports)
			}
			for _, want := range test.want {
				if text := reports[0].Text(); !strings.Contains(text, want) {
					t.Errorf("the text does not contain %q:\n%s", want, text)
				}
			}
		})
	}
}

func TestReportsNamesInvalidFiles(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
	for _, test := range []struct{ name, text, want string }{
		{"not YAML", "{", "file.yaml:"},
		{"an unknown field", pod + "spec: {container: []}", "file.yaml:4: unknown field spec.container"},
		{"an unknown field of a Job", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {templates: {}}", `file.yaml: read Job a: error unmarshaling JSON`},
		{"an invalid Service", pod + "spec: {containers: [{name: c}]}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {port: 1}", "file.yaml: read a Service: "},
		{"a name in a template", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: C}]}}}", `file.yaml: read the pod of Job a:1: container "C": `},
		{"a Job without containers", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {template: {spec: {}}}", "file.yaml: Job a: the template of pod a-x7k2p has no containers"},
		{"no pod", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}", "file.yaml has no pod"},
		{"a request without a pod", `{"pod": {"metadata": {"name": "a"}}}`, "not a create request"},
	} {
		t.Run(test.name, func(t *testing.T) {
			reports, err := plan.Reports(t.Context(), []plan.Input{{Path: "file.yaml", Text: []byte(test.text)}}, plan.Settings{Environ: environ})
			if !errdefs.Is(err, errdefs.Invalid) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v; want %q\n%+v", err, test.want, reports)
			}
		})
	}
}

// A document that cannot be read is an error, and the pods of the others have their reports.
func TestOneInvalidDocument(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: i}]}\n"
	for _, test := range []struct{ name, text, want string }{
		{"a Job without containers", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: {}}}", "Job j: the template of pod j-x7k2p has no containers"},
		{"a pod", "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec: {container: []}", "file.yaml:9: unknown field spec.container"},
		{"a pod without containers", "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec: {containers: []}", "pod b has no containers"},
		{"a Service", "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {port: 1}", "read a Service: "},
		{"a Volcano Job", "{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, metadata: {name: v}, spec: {tasks: {}}}", "read Job v: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, inputs := range [][]plan.Input{
				{{Path: "file.yaml", Text: []byte(pod + "---\n" + test.text)}},
				{{Path: "file.yaml", Text: []byte("\n\n\n\n\n" + test.text)}, {Path: "pod.yaml", Text: []byte(pod)}},
			} {
				reports, err := plan.Reports(t.Context(), inputs, plan.Settings{Environ: environ})
				if !errdefs.Is(err, errdefs.Invalid) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want %q", err, test.want)
				}
				if len(reports) != 1 || reports[0].Pod != "default/a" || reports[0].Loses() {
					t.Errorf("reports %+v", reports)
				}
			}
		})
	}
}

// An interrupted run ends between two pods.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path, text := fixture(t, "scenarios/restart-always.yaml")
	reports, err := plan.Reports(ctx, []plan.Input{{Path: path, Text: text}}, plan.Settings{Environ: environ})
	if !errors.Is(err, context.Canceled) || len(reports) > 0 {
		t.Errorf("%d reports, error %v", len(reports), err)
	}
}

// What is not read is a hint of the first pod, so that the JSON has it.
func TestKindsThatAreNotRead(t *testing.T) {
	reports := reportsOf(t, "file.yaml", []byte(`
{apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {generateName: etl-}, spec: {templates: [{name: a, container: {image: i}}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {nodeName: vnode, containers: [{name: c, image: i}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {nodeName: vnode, containers: [{name: c, image: i}]}}
`), plan.Settings{})
	want := []string{"kind Workflow (etl-x7k2p): not read; give its pods"}
	if len(reports) != 2 || !slices.Equal(reports[0].Hints, want) || len(reports[1].Hints) > 0 {
		t.Errorf("reports %+v", reports)
	}
}

func TestEachRefusalIsAnItem(t *testing.T) {
	reports := reportsOf(t, "pod.yaml", []byte(`
apiVersion: v1
kind: Pod
metadata: {name: a, annotations: {interlink.io/service: "Not A Name"}}
spec:
  hostNetwork: true
  containers: [{name: c, image: i, volumeMounts: [{name: data, mountPath: /data}, {name: more, mountPath: /more}]}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}, {name: more, persistentVolumeClaim: {claimName: more}}]
`), plan.Settings{Environ: environ})
	wants := []string{"annotation interlink.io/service", "volume data (persistentVolumeClaim)", "volume more (persistentVolumeClaim)", "spec.hostNetwork must not be true"}
	refusals := reports[0].Refusals
	if len(refusals) != len(wants) {
		t.Fatalf("the refusals are %q", refusals)
	}
	for i, want := range wants {
		if !strings.Contains(refusals[i], want) || !strings.Contains(reports[0].Text(), "# refusal: "+refusals[i]) {
			t.Errorf("refusal %d is %q, want %q\n%s", i, refusals[i], want, reports[0].Text())
		}
	}
}

// A pod that the plugin refuses, or that the virtual kubelet does not send, is a report: the
// other pods of the file have theirs too.
func TestRefusalsAreReports(t *testing.T) {
	missing, missingText := fixture(t, "scenarios/env-missing-secret.yaml")
	hostPath, hostPathText := fixture(t, "scenarios/volume-hostpath-refused.yaml")
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
	for _, test := range []struct {
		name, path string
		text       []byte
		environ    []string
		sent       bool
		want       string
	}{
		{"by the plugin", "request.json", goldenRequest(t, "objects-missing.golden"), nil, true, "ConfigMap"},
		{"by the plugin, with options of the virtual kubelet", missing, missingText, nil, true, "variable PASSWORD"},
		{"by the plugin's options of a scenario, which override the environment", hostPath, hostPathText, []string{"OFFLOADING_UNSUPPORTED_VOLUMES=drop"}, true, "volume host (hostPath)"},
		{"by the policy", "pod.yaml", []byte(pod + "spec: {hostNetwork: true, containers: [{name: c, image: i}]}"), nil, true, "the remote site accepts only pods"},
		{
			"by the virtual kubelet", "pod.yaml",
			[]byte(pod + "spec: {volumes: [{name: v, configMap: {name: none}}], containers: [{name: c, volumeMounts: [{name: v, mountPath: /v}]}]}"),
			nil, false, "volume v: the local cluster has no ConfigMap default/none",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			reports := reportsOf(t, test.path, test.text, plan.Settings{Environ: append(slices.Clone(environ), test.environ...)})
			if len(reports) != 1 || !reports[0].Loses() || reports[0].Sent != test.sent || len(reports[0].Objects) != 0 {
				t.Fatalf("reports %+v", reports)
			}
			got := reports[0].Reason
			if test.sent {
				got = strings.Join(reports[0].Refusals, "\n")
			}
			if !strings.Contains(got, test.want) || !strings.Contains(reports[0].Text(), test.want) {
				t.Errorf("%q does not contain %q\n%s", got, test.want, reports[0].Text())
			}
		})
	}
	reports := reportsOf(t, "pod.yaml", []byte(pod+"spec: {hostNetwork: true, containers: [{name: c, image: i}]}"),
		plan.Settings{Environ: append(slices.Clone(environ), "OFFLOADING_POD_SECURITY=privileged")})
	if reports[0].Loses() {
		t.Errorf("refused by a site that accepts it: %+v", reports)
	}
}

// The flags of the virtual kubelet decide what is sent; a scenario's own document replaces
// them.
func TestOptionsOfTheVirtualKubelet(t *testing.T) {
	skip := plan.Settings{}
	skip.VirtualKubelet.SkipDownwardAPIResolution = true
	text := []byte(`{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: i, env: [{name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]}]}}`)
	if reports := reportsOf(t, "pod.yaml", text, plan.Settings{}); reports[0].Sent || !strings.Contains(reports[0].Reason, "status.podIP") {
		t.Errorf("without the option: %+v", reports[0])
	}
	if reports := reportsOf(t, "pod.yaml", text, skip); !reports[0].Sent {
		t.Errorf("with the option: %+v", reports[0])
	}
	scenario := append(bytes.Clone(text), "\n---\napiVersion: sim.interlink.io/v1alpha1\nkind: Scenario\nmetadata: {name: s}\nspec: {description: d, until: 1m, expect: {pods: {a: {phases: [Pending]}}}}\n"...)
	if reports := reportsOf(t, "scenario.yaml", scenario, skip); reports[0].Sent {
		t.Errorf("in a scenario without the option: %+v", reports[0])
	}
}

// A pod with generateName, and a pod of a typed list, are read.
func TestNamesAndKindsThatTheAPIServerAdds(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`{apiVersion: v1, kind: Pod, metadata: {generateName: a-}, spec: {containers: [{name: c, image: i}]}}`, "default/a-x7k2p"},
		{`{apiVersion: batch/v1, kind: Job, metadata: {generateName: a-}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}`, "default/a-x7k2p-x7k2p"},
		{`{apiVersion: v1, kind: PodList, items: [{metadata: {name: a}, spec: {containers: [{name: c, image: i}]}}]}`, "default/a"},
	} {
		if reports := reportsOf(t, "a.yaml", []byte(test.text), plan.Settings{}); len(reports) != 1 || reports[0].Pod != test.want || reports[0].Loses() {
			t.Errorf("reports %+v, want pod %s", reports, test.want)
		}
	}
}

// A scenario places its pods, whatever they tolerate.
func TestPodsOfScenariosArePlaced(t *testing.T) {
	path, text := fixture(t, "scenarios/restart-always.yaml")
	for _, report := range reportsOf(t, path, text, plan.Settings{}) {
		if len(report.Hints) > 0 {
			t.Errorf("pod %s: hints %q", report.Pod, report.Hints)
		}
	}
}

// A kind of another API group is read by its pod templates.
func TestKindsOfOtherGroups(t *testing.T) {
	reports := reportsOf(t, "service.yaml", []byte(`{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: hello}, spec: {template: {spec: {containers: [{name: c, image: i}]}}}}`), plan.Settings{})
	if len(reports) != 1 || reports[0].From != "Service hello" || !reports[0].Sent {
		t.Errorf("reports %+v", reports)
	}
}

// Objects of one file are there for the pods of all, also as items of a list.
func TestFilesAreReadTogether(t *testing.T) {
	reports, err := plan.Reports(t.Context(), []plan.Input{
		{Path: "job.yaml", Text: []byte(`{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {restartPolicy: Never,
			volumes: [{name: v, configMap: {name: c}}], containers: [{name: c, image: i, volumeMounts: [{name: v, mountPath: /v}]}]}}}}`)},
		{Path: "list.yaml", Text: []byte(`{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: b}},
			{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}]}}]}`)},
	}, plan.Settings{Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, report := range reports {
		got = append(got, fmt.Sprint(report.Pod, " from ", report.From, ": ", len(report.Objects), " objects"))
	}
	want := []string{"default/j-x7k2p from Job j: 4 objects", "default/p from : 3 objects"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reports (-want +got)\n%s", diff)
	}
}
