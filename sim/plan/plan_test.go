package plan_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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

func TestPlanShowsRemoteObjectsAndWarnings(t *testing.T) {
	dropped, droppedText := fixture(t, "scenarios/volume-hostpath-dropped.yaml")
	api, apiText := fixture(t, "scenarios/env-kubernetes-api.yaml")
	gated, gatedText := fixture(t, "scenarios/late-optional.yaml")
	for _, test := range []struct {
		name, path string
		text       []byte
		want       []string
	}{
		{"a pod with a gate", gated, gatedText, []string{
			"scheduling gate interlink.io/dependents", "interlink.io/owned: configmaps/app-config-", "schedulingGates:\n  - name: interlink.io/dependents",
		}},
		{"a create request", "volumes.json", goldenRequest(t, "volumes.golden"), []string{
			"# warning: volume host (hostPath)", "kind: Namespace", "kind: ConfigMap", "kind: Secret", "kind: Pod", "password: czNjcjN0",
		}},
		{"a scenario with kubernetesAPI", api, apiText, []string{"KUBERNETES_SERVICE_HOST", "k8s-api.example.org"}},
		{"a scenario", dropped, droppedText, []string{"# warning: volume", "kind: Pod", "hostname: "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			manifest, err := plan.File(test.path, test.text, environ)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if !strings.Contains(string(manifest), want) {
					t.Errorf("the manifest does not contain %q:\n%s", want, manifest)
				}
			}
		})
	}
}

func TestPlanReportsInvalidFiles(t *testing.T) {
	// Without skipDownwardAPIResolution InterLink would not send the pod of this scenario.
	_, missingSecret := fixture(t, "scenarios/env-missing-secret.yaml")
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
	for _, test := range []struct{ name, text, want string }{
		{"a pod that the plugin would refuse", string(goldenRequest(t, "objects-missing.golden")), "the plugin would refuse pod"},
		{"a scenario with options of the virtual kubelet", string(missingSecret), "the plugin would refuse pod default/app: variable PASSWORD"},
		{"not YAML", "{", "file.yaml:"},
		{"an unknown field", pod + "spec: {container: []}", "file.yaml:4: unknown field spec.container"},
		{
			"a ConfigMap that is missing",
			pod + "spec: {volumes: [{name: v, configMap: {name: none}}], containers: [{name: c, volumeMounts: [{name: v, mountPath: /v}]}]}",
			"InterLink would not send pod a: volume v: the local cluster has no ConfigMap default/none",
		},
		{"no pod", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}", "file.yaml has no pod"},
	} {
		t.Run(test.name, func(t *testing.T) {
			manifest, err := plan.File("file.yaml", []byte(test.text), environ)
			if !errdefs.Is(err, errdefs.Invalid) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v; want %q\n%s", err, test.want, manifest)
			}
		})
	}
}

// A pod that the remote site does not accept is refused in the plan too.
func TestPlanJudgesPods(t *testing.T) {
	text := []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostNetwork: true, containers: [{name: c, image: i}]}")
	manifest, err := plan.File("file.yaml", text, environ)
	if want := "the plugin would refuse pod default/a: the remote site accepts only pods"; !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v; want %q\n%s", err, want, manifest)
	}
	if _, err := plan.File("file.yaml", text, append(slices.Clone(environ), "OFFLOADING_POD_SECURITY=privileged")); err != nil {
		t.Error(err)
	}
}

// The options of a scenario override the environment variables.
func TestPlanObeysPluginOptionsOfScenario(t *testing.T) {
	path, text := fixture(t, "scenarios/volume-hostpath-refused.yaml")
	environ := append(slices.Clone(environ), "OFFLOADING_UNSUPPORTED_VOLUMES=drop")
	manifest, err := plan.File(path, text, environ)
	if !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), "volume host (hostPath)") {
		t.Errorf("error %v\n%s", err, manifest)
	}
}
