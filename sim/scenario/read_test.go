package scenario_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// good is a valid file; each invalid file differs from it in one place.
const good = `apiVersion: sim.interlink.io/v1alpha1
kind: Scenario
metadata: {name: given}
spec:
  description: A pod runs.
  nodes:
    web:
      containers:
        main: {start: 2s, run: 1m30s, exitCodes: [1, 0]}
      events:
      - {at: 3s, delete: true}
  steps:
  - {at: 4s, create: web}
  expect:
    remote: {Pod: 1}
    pods:
      web:
        phases: [Pending, Running, Succeeded]
        containers:
          main: {state: terminated, exitCode: 0}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  initContainers: [{name: proxy, restartPolicy: Always}]
  containers:
  - name: main
    resources: {limits: {cpu: 1}}
    livenessProbe: {httpGet: {port: http}}
    volumeMounts: [{name: v, mountPath: /v}]
  volumes: [{name: v, secret: {secretName: s, defaultMode: 0400}}]
---
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: other}
data: {a: YQ==, b: YQ==}
stringData: {b: c}
---
# an empty document is ignored
`

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	path := write(t, "file.yaml", good)
	file, err := scenario.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if file.Name != "given" || file.Path != path || file.Description != "A pod runs." {
		t.Errorf("name %q, path %s, description %q", file.Name, file.Path, file.Description)
	}
	if run := file.Nodes["web"].Containers["main"].Run; run == nil || run.Duration != 90*time.Second {
		t.Errorf("run is %v; want 1m30s", run)
	}
	pod, secret := file.Pods[0], file.Secrets[0]
	if pod.Namespace != "default" || secret.Namespace != "other" {
		t.Errorf("namespaces %s and %s; want default and other", pod.Namespace, secret.Namespace)
	}
	if mode := pod.Spec.Volumes[0].Secret.DefaultMode; mode == nil || *mode != 0o400 {
		t.Errorf("the mode is %v; want 0400", mode)
	}
	if diff := cmp.Diff(map[string][]byte{"a": []byte("a"), "b": []byte("c")}, secret.Data); diff != "" || secret.StringData != nil {
		t.Errorf("the Secret's data differ (-want +got)\n%s", diff)
	}
	unnamed, err := scenario.Read(write(t, "by-file.yaml", strings.Replace(good, "metadata: {name: given}\n", "", 1)))
	if err != nil || unnamed.Name != "by-file" {
		t.Errorf("a file without a name: %+v, %v; want the name of the file", unnamed, err)
	}
}

func TestInjectedContainers(t *testing.T) {
	text := strings.Replace(good, "        main: {start", "        proxy: {startupFails: true}\n        mesh: {injected: true, startupFails: true}\n        main: {start", 1)
	file, err := scenario.Read(write(t, "file.yaml", text))
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := file.Nodes["web"].Containers["mesh"]; !ok || !c.Injected {
		t.Errorf("container mesh: %+v, %t", c, ok)
	}
}

// Files of manifests are read as strictly as scenarios.
func TestParseManifests(t *testing.T) {
	_, manifests, _ := strings.Cut(good, "---\n")
	manifests += "\n---\napiVersion: apps/v1\nkind: Deployment\nspec: {anything: &a [*a]}\n"
	file, err := scenario.ParseManifests("web.yaml", []byte(manifests))
	if err != nil || len(file.Pods) != 1 || len(file.Secrets) != 1 || file.Name != "web" {
		t.Errorf("%+v, %v; want one Pod and one Secret", file, err)
	}
	file, err = scenario.ParseManifests("web.yaml", []byte(good))
	if err != nil || file.Name != "given" || len(file.Nodes) != 1 {
		t.Errorf("%+v, %v; want the scenario too", file, err)
	}
	_, err = scenario.ParseManifests("web.yaml", []byte(strings.Replace(good, "  - name: main\n", "  - title: main\n", 1)))
	if want := "web.yaml:28: unknown field spec.containers[0].title"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v; want %q", err, want)
	}
}

func TestReadReportsProblems(t *testing.T) {
	pod := "\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: %}\nspec: {containers: [{name: main}]}\n"
	for _, test := range []struct {
		name, old, new string
		want           string // lines after the path and a colon
	}{
		{"unknown field of the Scenario", "description:", "summary:", "5: unknown field spec.summary"},
		{"unknown field below a map", "{start: 2s", "{begin: 2s", "9: unknown field spec.nodes.web.containers.main.begin"},
		{"unknown field of a manifest", "  - name: main", "  - name: main\n    imagePullPolcy: Never", "29: unknown field spec.containers[0].imagePullPolcy"},
		{"another case", "secretName", "SecretName", "32: unknown field spec.volumes[0].secret.SecretName"},
		{"two kinds of output", "exitCodes: [1, 0]", "output: [a], outputs: [[b]]", "9: output and outputs exclude each other"},
		{"wrong type", "exitCodes: [1, 0]", "exitCodes: yeah", "9: spec.nodes.web.containers.main.exitCodes must be a list"},
		{"wrong item", "exitCodes: [1, 0]", "exitCodes: [one]", "9: spec.nodes.web.containers.main.exitCodes[0] must be a whole number"},
		{"number for text", "name: given", "name: 1", "3: metadata.name must be text: quote it"},
		{"text for a flag", "delete: true", "delete: soon", "11: spec.nodes.web.events[0].delete must be true or false"},
		{"object for text", "description: A pod runs.", "description: {}", "5: spec.description must be text"},
		{"text for an object", "metadata: {name: web}", "metadata: web", "24: metadata must be an object"},
		{"no duration", "run: 1m30s", "run: 90", "9: spec.nodes.web.containers.main.run must be a duration, such as 1m30s"},
		{"no quantity", "cpu: 1", "cpu: many", "29: spec.containers[0].resources.limits.cpu: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"},
		{"no base64", "{a: YQ==", "{a: '!'", "37: data.a: illegal base64 data at input byte 0"},
		{"given twice", "  description:", "  description: x\n  description:", "6: description is set twice: first in line 5"},
		{"a letter that means true", "delete: true", "delete: y", "11: Kubernetes reads y as true or false: write true or false, or quote it"},
		{"yes", "delete: true", "delete: yes", "11: Kubernetes reads yes as true or false: write true or false, or quote it"},
		{"anchor", "metadata: {name: web}", "metadata: &m {name: web}", "24: anchors and aliases (& and *) are not supported: repeat the text"},
		{"no YAML", "spec:\n  description", "spec: [\n  description", "4: not YAML: did not find expected ',' or ']'"},
		{"another kind", "kind: Secret", "kind: Service", "35: kind Service is none of Scenario, Pod, ConfigMap, Secret, PersistentVolumeClaim"},
		{"no kind", "kind: Secret\n", "", "34: a document needs apiVersion and kind"},
		{"another version", "apiVersion: v1\nkind: Secret", "apiVersion: v2\nkind: Secret", `34: the apiVersion of a Secret is v1, not "v2"`},
		{"another Scenario", "v1alpha1", "v1", `1: the apiVersion of a Scenario is sim.interlink.io/v1alpha1, not "sim.interlink.io/v1"`},
		{"no Scenario", good, strings.ReplaceAll(pod, "%", "a"), "1: the file has no document of kind Scenario (apiVersion: sim.interlink.io/v1alpha1)"},
		{"two Scenarios", "# an empty", good + "\n#", "40: a second Scenario: the first is in line 1\n63: a second Pod web in namespace default\n75: a second Secret s in namespace other"},
		{"no name", "metadata: {name: web}", "metadata: {}", "24: a Pod needs metadata.name"},
		{"bad name", "metadata: {name: web}", "metadata: {name: WEB}", "24: \"WEB\" is not a valid name of a Pod"},
		{"long name of an annotation", "metadata: {name: web}", "metadata: {name: web, annotations: {" + strings.Repeat("a", 64) + ": b}}", `24: metadata.annotations: "` + strings.Repeat("a", 64) + `": name part must be no more than 63 bytes`},
		{"large annotations", "metadata: {name: web}", "metadata: {name: web, annotations: {a: " + strings.Repeat("a", 256<<10) + "}}", "24: metadata.annotations: annotations size 262145 is larger than limit 262144"},
		{"bad name of a label", "metadata: {name: web}", "metadata: {name: web, labels: {-a: b}}", `24: metadata.labels: "-a": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`},
		{"bad value of a label", "metadata: {name: web}", "metadata: {name: web, labels: {a: b c}}", `24: metadata.labels: "b c": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`},
		{"bad name of a variable", "  - name: main\n", "  - name: main\n    env: [{name: a=b}]\n", `29: variable "a=b": a valid environment variable name must consist only of printable ASCII characters other than '='`},
		{"long hostname", "metadata: {name: web}\nspec:\n", "metadata: {name: web}\nspec:\n  hostname: " + strings.Repeat("a", 64) + "\n", `26: hostname "` + strings.Repeat("a", 64) + `": must be no more than 63 characters`},
		{"bad namespace", "other", "O", "36: \"O\" is not a valid name of a namespace"},
		{"no description", "description: A pod runs.", "description: ''", "4: description is missing: say in one sentence what the scenario shows"},
		{"no pods", "kind: Pod\n", "kind: ConfigMap\n", "25: unknown field spec"},
		{"unnamed container", "- name: main", "- name: proxy", "28: each container of pod web needs its own name"},
		{"unknown pod of nodes", "    web:\n      containers", "    wbe:\n      containers", `7: there is no pod "wbe"; the pods are: web`},
		{"unknown pod of a step", "create: web", "create: wbe", `13: there is no pod "wbe"; the pods are: web`},
		{"unknown forgotten pod", "create: web", "restartVirtualKubelet: {forget: [web, wbe]}", `13: there is no pod "wbe"; the pods are: web`},
		{"unknown expected pod", "      web:\n        phases", "      wbe:\n        phases", `17: there is no pod "wbe"; the pods are: web`},
		{"ambiguous pod", "# an empty", strings.ReplaceAll(pod, "%", "web, namespace: b") + "#", "7: there is no pod \"web\"; the pods are: default/web, b/web\n13: there is no pod \"web\"; the pods are: default/web, b/web\n17: there is no pod \"web\"; the pods are: default/web, b/web"},
		{"unknown container", "main: {start", "mian: {start", `9: pod web has no container "mian" that can be named here; these can: proxy, main`},
		{"a container of the manifest as injected", "main: {start", "main: {injected: true, start", `9: container main is not injected: the manifest of pod web has it`},
		{"an injected container that is expected locally", "          main: {state", "          proxy2: {state", `20: pod web has no container "proxy2" that can be named here; these can: main`},
		{"startupFails of a main container", "exitCodes: [1, 0]", "startupFails: true", "9: startupFails is for native sidecars: no container waits for the start of main"},
		{"unknown expected container", "main: {state", "mian: {state", `20: pod web has no container "mian" that can be named here; these can: main`},
		{"a sidecar that is expected locally", "        containers:\n          main: {state: terminated, exitCode: 0}", "        initContainers:\n          proxy: {exitCode: 0}", `20: pod web has no container "proxy" that can be named here; these can: none`},
		{"log of an unknown container", "phases: [Pending, Running, Succeeded]", "phases: [Pending, Running, Succeeded]\n        logs: [{container: nil, lines: []}]", `19: pod web has no container "nil" that can be named here; these can: proxy, main`},
		{"relative path of a file", "phases: [Pending, Running, Succeeded]", "phases: [Pending, Running, Succeeded]\n        files: {main: {etc: x}}", `19: "etc" must be an absolute path`},
		{"relative path of a file that must not exist", "phases: [Pending, Running, Succeeded]", "phases: [Pending, Running, Succeeded]\n        noFiles: {main: [etc]}", `19: "etc" must be an absolute path`},
		{"unknown container of a file that must not exist", "phases: [Pending, Running, Succeeded]", "phases: [Pending, Running, Succeeded]\n        noFiles: {nil: [/etc]}", `19: pod web has no container "nil" that can be named here; these can: proxy, main`},
		{"unknown field of a remote pod", "phases: [Pending, Running, Succeeded]", "phases: [Pending, Running, Succeeded]\n        remotePod: {spec: {hostname: null, hostnam: x}}", "19: unknown field remotePod.spec.hostnam"},
		{"event of no kind", ", delete: true", "", "11: exactly one of evict, delete, loseNode, deadline must be set, not none"},
		{"event of two kinds", "delete: true", "delete: true, loseNode: true", "11: exactly one of evict, delete, loseNode, deadline must be set, not delete and loseNode"},
		{"step of two kinds", "create: web", "create: web, delete: web", "13: exactly one of restartVirtualKubelet, restartPlugin, node, create, delete, recreate, deleteUnreported must be set, not create and delete"},
		{"a pod is created again at once", "{at: 4s, create: web}", "{at: 0s, recreate: web}", "13: the pod must exist before it is created again: at must be more than 0s"},
		{"a pod is created again, and deleted", "{at: 4s, create: web}", "{at: 4s, recreate: web}\n  - {at: 5s, delete: web}", "13: pod web is deleted by another step too"},
		{"restart of the plugin at once", "{at: 4s, create: web}", "{at: 0s, restartPlugin: {}}", "13: the plugin cannot restart while the pods are created: at must be more than 0s"},
		{"a step without the node", "create: web", "node: {cpu: 1k}", "13: without remoteSetup.node, there is no node to change"},
		{"a virtual node without the node", "remote: {Pod: 1}", "virtualNode: {cpu: [\"1\"]}", "15: without node or quota in remoteSetup, nothing says what the virtual node shows"},
		{"a node for nothing", "  nodes:\n", "  remoteSetup: {node: {cpu: \"1\"}}\n  nodes:\n", "6: without expect.virtualNode, the node changes nothing"},
		{"a node with bad quantities", "  nodes:\n", "  remoteSetup: {node: {cpu: many, memory: \"-1\"}}\n  nodes:\n", "6: \"many\" is not a valid quantity\n6: \"-1\" is not a valid quantity\n6: without expect.virtualNode, the node changes nothing"},
		{"a node that changes to nothing, at once", "{at: 4s, create: web}", "{at: 0s, node: {}}", "13: without remoteSetup.node, there is no node to change"},
		{"negative time", "at: 3s", "at: -3s", "11: at must not be negative"},
		{"phases without Pending", "[Pending, Running, Succeeded]", "[Running, Succeeded]", "18: phases must begin with Pending"},
		{"back to Pending without a restart", "[Pending, Running, Succeeded]", "[Pending, Running, Pending, Running, Succeeded]", "18: Pending cannot follow Running"},
		{"phases backwards", "[Pending, Running, Succeeded]", "[Pending, Succeeded, Running]", "18: Running cannot follow Succeeded\n18: pod web does not end and no step deletes it: set until (such as until: 1m)"},
		{"two last phases", "[Pending, Running, Succeeded]", "[Pending, Succeeded, Failed]", "18: Failed cannot follow Succeeded"},
		{"no phase", "[Pending, Running, Succeeded]", "[Pending, Done, Succeeded]", "18: \"Done\" is none of the phases Pending, Running, Succeeded, Failed"},
		{"no end", "[Pending, Running, Succeeded]", "[Pending, Running]", "18: pod web does not end and no step deletes it: set until (such as until: 1m)"},
		{"refused but Running", "phases: [Pending, Running, Succeeded]", "phases: [Pending, Running, Failed]\n        refused: words", "19: a refused pod shows [Pending, Failed] and has no remote pod"},
		{"no state", "state: terminated", "state: dead", "20: \"dead\" is none of the states waiting, running, terminated\n20: only a terminated container has an exit code; for the previous run use lastExitCode"},
		{"two errors of a container", "{start: 2s", "{imagePullError: a, createError: b, start: 2s", "9: imagePullError and createError exclude each other"},
		{"no exit code", "[1, 0]", "[256]", "9: exit code 256 is not between 0 and 255"},
		{"OOMKilled with another code", "[1, 0]", "[1], reason: OOMKilled", "9: OOMKilled requires exit code 137"},
		{"a kind that cannot be counted", "remote: {Pod: 1}", "remote: {Node: 1}", "15: Node: 1 is not possible: the kinds that can be counted are ConfigMap, PersistentVolumeClaim, Pod, Release, Secret, Service"},
		{"no address", "  nodes:", "  virtualKubelet: {kubernetesAPI: here}\n  nodes:", `6: kubernetesAPI must be host:port, not "here"`},
		{"no claim", "  nodes:", "  remoteSetup: {claims: [a, A]}\n  nodes:", `6: "A" is not a valid name of a PersistentVolumeClaim`},
		{"no runtime class", "  nodes:", "  remoteSetup: {runtimeClasses: [A]}\n  nodes:", `6: "A" is not a valid name of a RuntimeClass`},
		{"slow creates of pods", "  nodes:", "  remoteSetup: {slowCreates: {Pod: 1s}}\n  nodes:", `6: "Pod" cannot be created slowly, only ConfigMap and Secret`},
		{"negative time of slow creates", "  nodes:", "  remoteSetup: {slowCreates: {Secret: -1s}}\n  nodes:", "6: Secret must not be negative"},
		{"no quantity", "  nodes:", "  remoteSetup: {quota: {pods: many}}\n  nodes:", `6: "many" is not a valid limit`},
		{"a pod without a quota", "  nodes:", "  remoteSetup: {otherPodUntil: 5s}\n  nodes:", `6: without a quota or a node, another pod changes nothing`},
		{"requests without a pod", "  nodes:", "  remoteSetup: {quota: {pods: \"1\"}, otherPodRequests: {cpu: \"1\"}}\n  nodes:", `6: without otherPodUntil, there is no other pod`},
		{"requests of another pod", "  nodes:", "  remoteSetup: {quota: {pods: \"1\"}, otherPodUntil: 5s, otherPodRequests: {cpu: much}}\n  nodes:", `6: "much" is not a valid quantity`},
		{"former name of a field", "  nodes:", "  site: {claims: [a]}\n  nodes:", "6: the field spec.site is now called spec.remoteSetup"},
		{"wrong tag", "name: given", "name: !!int given", "3: metadata.name: given is not of type int"},
		{"all at once", "  description: A pod runs.\n  nodes", "  nodes: 1\n  descr", "5: spec.nodes must be an object\n6: unknown field spec.descr"},
	} {
		t.Run(test.name, func(t *testing.T) {
			content := strings.Replace(good, test.old, test.new, 1)
			if content == good {
				t.Fatal("the replacement changes nothing")
			}
			path := write(t, "bad.yaml", content)
			file, err := scenario.Read(path)
			if err == nil {
				t.Fatalf("no error: %+v", file)
			}
			got := strings.ReplaceAll(err.Error(), path+":", "")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestReadAll(t *testing.T) {
	folder := t.TempDir()
	put := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if _, err := scenario.ReadAll(folder); err == nil || !strings.Contains(err.Error(), "has no file *.yaml") {
		t.Errorf("an empty folder: %v", err)
	}
	unnamed := strings.Replace(good, "metadata: {name: given}\n", "", 1)
	put("b.yaml", unnamed)
	a := put("a.yml", unnamed)
	put("README.md", "# not a scenario")
	files, err := scenario.ReadAll(folder, a)
	if err != nil || len(files) != 2 || files[0].Name != "a" || files[1].Name != "b" {
		t.Fatalf("%v, %v", files, err)
	}
	put("c.yaml", good)
	put("d.yaml", good)
	put("e.yaml", "kind: [")
	_, err = scenario.ReadAll(folder)
	if err == nil || !strings.Contains(err.Error(), "the name given is already used by") || !strings.Contains(err.Error(), "e.yaml:1: not YAML") {
		t.Errorf("two files with one name and a broken one: %v", err)
	}
	if _, err := scenario.ReadAll(filepath.Join(folder, "none")); !os.IsNotExist(err) {
		t.Errorf("a path that does not exist: %v", err)
	}
}
