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

// good is a file with nothing wrong in it; bad ones differ from it by one thing.
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
# an empty document is none
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
		t.Errorf("it is %q of %s: %q", file.Name, file.Path, file.Description)
	}
	if run := file.Nodes["web"].Containers["main"].Run; run == nil || run.Duration != 90*time.Second {
		t.Errorf("run is %v", run)
	}
	pod, secret := file.Pods[0], file.Secrets[0]
	if pod.Namespace != "default" || secret.Namespace != "other" {
		t.Errorf("namespaces %s and %s", pod.Namespace, secret.Namespace)
	}
	if mode := pod.Spec.Volumes[0].Secret.DefaultMode; mode == nil || *mode != 0o400 {
		t.Errorf("the mode is %v", mode)
	}
	if diff := cmp.Diff(map[string][]byte{"a": []byte("a"), "b": []byte("c")}, secret.Data); diff != "" || secret.StringData != nil {
		t.Errorf("the Secret holds (-want +got)\n%s", diff)
	}
	unnamed, err := scenario.Read(write(t, "by-file.yaml", strings.Replace(good, "metadata: {name: given}\n", "", 1)))
	if err != nil || unnamed.Name != "by-file" {
		t.Errorf("without a name it is %+v, %v", unnamed, err)
	}
}

// What the plugin puts in for a network can be played.
func TestReadNetwork(t *testing.T) {
	text := strings.NewReplacer(
		"metadata: {name: web}", "metadata: {name: web, annotations: {slurm-job.vk.io/pre-exec: x, interlink.eu/wstunnel-client-commands: x}}",
		"        main: {start", "        proxy: {startupFails: true}\n        wstunnel-client: {run: 1s}\n        mesh-setup: {startupFails: true}\n        main: {start",
	).Replace(good)
	if _, err := scenario.Read(write(t, "file.yaml", text)); err != nil {
		t.Error(err)
	}
	_, err := scenario.Read(write(t, "file.yaml", strings.Replace(text, "        main: {start", "        mian: {start", 1)))
	if err == nil || !strings.HasSuffix(err.Error(), "it has: proxy, main, mesh-setup, wstunnel-client") {
		t.Error(err)
	}
}

func TestReadBad(t *testing.T) {
	pod := "\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: %}\nspec: {containers: [{name: main}]}\n"
	for _, test := range []struct {
		name, old, new string
		want           string // lines after the path and a colon
	}{
		{"unknown field of the Scenario", "description:", "descripton:", "5: unknown field spec.descripton"},
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
		{"given twice", "  description:", "  description: x\n  description:", "6: description is given twice: first in line 5"},
		{"a letter that is a truth", "delete: true", "delete: y", "11: y is true or false to Kubernetes: write that, or quote it"},
		{"old truth", "delete: true", "delete: yes", "11: yes is true or false to Kubernetes: write that, or quote it"},
		{"anchor", "metadata: {name: web}", "metadata: &m {name: web}", "24: anchors and aliases (& and *) are not read: write it out"},
		{"no YAML", "spec:\n  description", "spec: [\n  description", "4: not YAML: did not find expected ',' or ']'"},
		{"another kind", "kind: Secret", "kind: Service", "35: kind Service is none of Scenario, Pod, ConfigMap, Secret, PersistentVolumeClaim"},
		{"no kind", "kind: Secret\n", "", "34: a document needs apiVersion and kind"},
		{"another version", "apiVersion: v1\nkind: Secret", "apiVersion: v2\nkind: Secret", `34: apiVersion of a Secret is v1, not "v2"`},
		{"another Scenario", "v1alpha1", "v1", `1: apiVersion of a Scenario is sim.interlink.io/v1alpha1, not "sim.interlink.io/v1"`},
		{"no Scenario", good, strings.ReplaceAll(pod, "%", "a"), "1: there is no document of kind Scenario (apiVersion: sim.interlink.io/v1alpha1)"},
		{"two Scenarios", "# an empty", good + "\n#", "40: a second Scenario: the first is in line 1\n63: a second Pod web in namespace default\n75: a second Secret s in namespace other"},
		{"no name", "metadata: {name: web}", "metadata: {}", "24: a Pod needs metadata.name"},
		{"bad name", "metadata: {name: web}", "metadata: {name: WEB}", "24: WEB is no name of a Pod"},
		{"bad namespace", "other", "O", "36: O is no name of a namespace"},
		{"no description", "description: A pod runs.", "description: ''", "4: description is missing: say in a sentence what the scenario shows"},
		{"no pods", "kind: Pod\n", "kind: ConfigMap\n", "25: unknown field spec"},
		{"unnamed container", "- name: main", "- name: proxy", "28: each container of pod web needs a name of its own"},
		{"unknown pod of nodes", "    web:\n      containers", "    wbe:\n      containers", `7: no pod is called "wbe"; there are: web`},
		{"unknown pod of a step", "create: web", "create: wbe", `13: no pod is called "wbe"; there are: web`},
		{"unknown pod forgotten", "create: web", "restartVirtualKubelet: {forget: [web, wbe]}", `13: no pod is called "wbe"; there are: web`},
		{"unknown pod expected", "      web:\n        phases", "      wbe:\n        phases", `17: no pod is called "wbe"; there are: web`},
		{"ambiguous pod", "# an empty", strings.ReplaceAll(pod, "%", "web, namespace: b") + "#", "7: no pod is called \"web\"; there are: default/web, b/web\n13: no pod is called \"web\"; there are: default/web, b/web\n17: no pod is called \"web\"; there are: default/web, b/web"},
		{"unknown container", "main: {start", "mian: {start", `9: pod web has no container "mian" here; it has: proxy, main`},
		{"a network that was not asked for", "main: {start", "mesh-setup: {start", `9: pod web has no container "mesh-setup" here; it has: proxy, main`},
		{"a network that is shown", "          main: {state", "          mesh-setup: {state", `20: pod web has no container "mesh-setup" here; it has: main`},
		{"nobody waits for its start", "exitCodes: [1, 0]", "startupFails: true", "9: startupFails is for native sidecars: nobody waits until main has started"},
		{"unknown container expected", "main: {state", "mian: {state", `20: pod web has no container "mian" here; it has: main`},
		{"a sidecar is not shown", "        containers:\n          main: {state: terminated, exitCode: 0}", "        initContainers:\n          proxy: {exitCode: 0}", `20: pod web has no container "proxy" here; it has: none`},
		{"log of no container", "phases: [Pending, Running, Succeeded]", "phases: [Pending, Running, Succeeded]\n        logs: [{container: nil, lines: []}]", `19: pod web has no container "nil" here; it has: proxy, main`},
		{"a file that is none", "phases: [Pending, Running, Succeeded]", "phases: [Pending, Running, Succeeded]\n        files: {main: {etc: x}}", `19: "etc" must be an absolute path`},
		{"unknown field of a remote pod", "phases: [Pending, Running, Succeeded]", "phases: [Pending, Running, Succeeded]\n        remotePod: {spec: {hostname: null, hostnam: x}}", "19: unknown field remotePod.spec.hostnam"},
		{"event of no kind", ", delete: true", "", "11: exactly one of evict, delete, loseNode, deadline must be said, not none"},
		{"event of two kinds", "delete: true", "delete: true, loseNode: true", "11: exactly one of evict, delete, loseNode, deadline must be said, not delete and loseNode"},
		{"step of two kinds", "create: web", "create: web, delete: web", "13: exactly one of restartVirtualKubelet, create, delete, loseDelete must be said, not create and delete"},
		{"before the beginning", "at: 3s", "at: -3s", "11: at must not be negative"},
		{"phases from nowhere", "[Pending, Running, Succeeded]", "[Running, Succeeded]", "18: phases must begin with Pending"},
		{"back to Pending without a restart", "[Pending, Running, Succeeded]", "[Pending, Running, Pending, Running, Succeeded]", "18: Pending does not come after Running"},
		{"phases backwards", "[Pending, Running, Succeeded]", "[Pending, Succeeded, Running]", "18: Running does not come after Succeeded\n18: pod web does not end and no step deletes it: say until when it is watched (until: 1m)"},
		{"two ends", "[Pending, Running, Succeeded]", "[Pending, Succeeded, Failed]", "18: Failed does not come after Succeeded"},
		{"no phase", "[Pending, Running, Succeeded]", "[Pending, Done, Succeeded]", "18: \"Done\" is no phase of: Pending, Running, Succeeded, Failed"},
		{"no end", "[Pending, Running, Succeeded]", "[Pending, Running]", "18: pod web does not end and no step deletes it: say until when it is watched (until: 1m)"},
		{"refused, yet run", "phases: [Pending, Running, Succeeded]", "phases: [Pending, Running, Failed]\n        refused: words", "19: a pod that is refused shows [Pending, Failed] and has nothing remotely"},
		{"no state", "state: terminated", "state: dead", "20: \"dead\" is no state of: waiting, running, terminated\n20: only a terminated container has an exit code; that of its last run is lastExitCode"},
		{"two errors of a container", "{start: 2s", "{imagePullError: a, createError: b, start: 2s", "9: imagePullError and createError exclude each other"},
		{"no exit code", "[1, 0]", "[256]", "9: exit code 256 is not between 0 and 255"},
		{"killed with another code", "[1, 0]", "[1], reason: OOMKilled", "9: OOMKilled goes with exit code 137"},
		{"what is not counted", "remote: {Pod: 1}", "remote: {Node: 1}", "15: Node: 1 cannot be: objects of these kinds are counted: ConfigMap, PersistentVolumeClaim, Pod, Release, Secret, Service"},
		{"no address", "  nodes:", "  virtualKubelet: {kubernetesAPI: here}\n  nodes:", `6: kubernetesAPI must be host:port, not "here"`},
		{"no claim", "  nodes:", "  site: {claims: [a, A]}\n  nodes:", `6: "A" is no name of a claim`},
		{"all at once", "  description: A pod runs.\n  nodes", "  nodes: 1\n  descr", "5: spec.nodes must be an object\n6: unknown field spec.descr"},
	} {
		t.Run(test.name, func(t *testing.T) {
			content := strings.Replace(good, test.old, test.new, 1)
			if content == good {
				t.Fatal("the file is not changed")
			}
			path := write(t, "bad.yaml", content)
			file, err := scenario.Read(path)
			if err == nil {
				t.Fatalf("it is read as %+v", file)
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
	if _, err := scenario.ReadAll(folder); err == nil || !strings.Contains(err.Error(), "no file *.yaml") {
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
	if err == nil || !strings.Contains(err.Error(), "called given, too") || !strings.Contains(err.Error(), "e.yaml:1: not YAML") {
		t.Errorf("two of one name and a broken one: %v", err)
	}
	if _, err := scenario.ReadAll(filepath.Join(folder, "none")); !os.IsNotExist(err) {
		t.Errorf("a path that is not there: %v", err)
	}
}
