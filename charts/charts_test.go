package charts

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite the goldens, the schema's options and manifests/deployment.yaml")

const plugin = "interlink-kubernetes-plugin"

// release is what the chart is installed as.
type release struct{ name, namespace, service string }

var demo = release{"demo", "interlink", "Helm"}

// render returns what the chart's templates make of values, by file name; files that make nothing are
// not among them.
func render(values map[string]any, r release) (map[string]string, error) {
	chart, err := loader.Load(plugin)
	if err != nil {
		return nil, err
	}
	top, err := chartutil.ToRenderValues(chart, values, chartutil.ReleaseOptions{
		Name: r.name, Namespace: r.namespace, Revision: 1, IsInstall: true,
	}, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	top["Release"].(map[string]any)["Service"] = r.service
	files, err := engine.Render(chart, top)
	if err != nil {
		return nil, err
	}
	made := map[string]string{}
	for path, text := range files {
		if strings.TrimSpace(text) != "" {
			made[filepath.Base(path)] = strings.TrimSpace(text) + "\n"
		}
	}
	return made, nil
}

func mustRender(t *testing.T, values map[string]any) map[string]string {
	t.Helper()
	files, err := render(values, demo)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// manifest joins the rendered files, but for the notes, into one.
func manifest(files map[string]string) string {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, ".yaml") {
			out.WriteString("---\n" + strings.TrimPrefix(files[name], "---\n"))
		}
	}
	return out.String()
}

// eachValues runs a test for each file of values in the chart's folder ci.
func eachValues(t *testing.T, test func(t *testing.T, name string, values map[string]any)) {
	files, err := filepath.Glob(filepath.Join(plugin, "ci", "*.yaml"))
	if err != nil || len(files) < 5 {
		t.Fatalf("there are %d files of values: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) { test(t, name, readValues(t, file)) })
	}
}

func readValues(t *testing.T, file string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return parseValues(t, string(text))
}

func parseValues(t *testing.T, text string) map[string]any {
	t.Helper()
	values := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// golden compares with a file, or rewrites it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(bytes.TrimSpace(want)), string(bytes.TrimSpace(got))); diff != "" {
		t.Errorf("%s differs (-want +got); make generate rewrites it:\n%s", path, diff)
	}
}

func TestLint(t *testing.T) {
	check := func(t *testing.T, values map[string]any) {
		t.Helper()
		for _, message := range lint.All(plugin, values, demo.namespace, true).Messages {
			if message.Severity >= support.WarningSev {
				t.Error(message)
			}
		}
	}
	t.Run("defaults", func(t *testing.T) { check(t, nil) })
	eachValues(t, func(t *testing.T, _ string, values map[string]any) { check(t, values) })
}

func TestGoldens(t *testing.T) {
	eachValues(t, func(t *testing.T, name string, values map[string]any) {
		files := mustRender(t, values)
		golden(t, filepath.Join("testdata", name+".yaml"), []byte(manifest(files)))
		golden(t, filepath.Join("testdata", name+".notes.txt"), []byte(files["NOTES.txt"]))
	})
}

// plainHeader stands above the manifest for those without Helm.
const plainHeader = `# InterLink's API server and the plugin beside it, on a socket of their own, for those without Helm.
# Made from the chart by its tests (make generate): change the chart, not this file.
#
# Before: the credentials of the remote cluster (rbac-cluster-wide.yaml says how to get a kubeconfig)
#
#   kubectl create namespace interlink
#   kubectl -n interlink create secret generic remote-cluster --from-file=kubeconfig=remote.kubeconfig
#   kubectl apply -f deployment.yaml
#
# Virtual kubelets in namespace interlink then use
#
#   InterlinkURL: "http://interlink-kubernetes-plugin.interlink"
#   InterlinkPort: "3000"
#
# Where several installations share one remote cluster, each needs its own instance in config.ini below.
`

// The image that the example for InterLink's own chart names is the one that this chart runs.
func TestExampleNamesTheImage(t *testing.T) {
	chart, err := loader.Load(plugin)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("..", "manifests", "examples", "interlink-chart-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	image := chart.Values["image"].(map[string]any)["repository"].(string) + ":" + chart.AppVersion()
	if chart.Metadata.Version != chart.AppVersion() || !strings.Contains(string(text), "image: "+image+"\n") {
		t.Errorf("versions differ: the chart is %s of %s, and the example lacks %s", chart.Metadata.Version, chart.AppVersion(), image)
	}
}

func TestPlainManifest(t *testing.T) {
	files, err := render(readValues(t, filepath.Join(plugin, "ci", "plain.yaml")), release{plugin, "interlink", "kubectl"})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	text.WriteString(plainHeader)
	for line := range strings.Lines(strings.TrimPrefix(manifest(files), "---\n")) {
		if !strings.HasPrefix(strings.TrimSpace(line), "helm.sh/chart:") {
			text.WriteString(line)
		}
	}
	golden(t, filepath.Join("..", "manifests", "deployment.yaml"), []byte(text.String()))
}
