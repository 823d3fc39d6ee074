package config

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

var update = flag.Bool("update", false, "rewrite manifests/config.sample.ini and docs/configuration.md")

func TestGeneratedFilesAreCurrent(t *testing.T) {
	for name, want := range map[string][]byte{
		"manifests/config.sample.ini": Sample(),
		"docs/configuration.md":       Reference(),
	} {
		path := filepath.Join(testkit.Root(t), filepath.FromSlash(name))
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not current; run go test ./plugin/config -update:\n%s", name, diff)
		}
	}
}

func TestSampleContainsTheDefaults(t *testing.T) {
	live := regexp.MustCompile(`(?m)^;`).ReplaceAll(Sample(), nil)
	for name, data := range map[string][]byte{"as it is": Sample(), "with every option": live} {
		result, err := Parse([]string{"--config=" + writeFile(t, string(data))}, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(result.Warnings) > 0 {
			t.Errorf("%s: warnings %q", name, result.Warnings)
		}
		want := Defaults()
		want.K8s.KubeconfigPathGiven = name != "as it is"
		if diff := cmp.Diff(want, result.Config); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestPrint(t *testing.T) {
	path := writeFile(t, "[k8s]\nkubeconfig=\n  token: hunter2\nclient_configuration={\"proxy\": \"http://me:hunter2@proxy:3128\", \"verify_ssl\": false}\n")
	result, err := Parse([]string{"--config=" + path, "--log-level=debug"}, []string{"APP_SOCKET_MODE=0600"})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := result.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`configuration file: ` + regexp.QuoteMeta(path) + `\n`,
		`\[app\] socket_mode +environment APP_SOCKET_MODE +0600\n`,
		`\[log\] level +flag --log-level +debug\n`,
		`\[log\] dir +default +\n`,
		`\[k8s\] kubeconfig +` + regexp.QuoteMeta(path) + `, line 2 +\*{8}\n`,
		`\{"verify_ssl":false,"proxy":"http://\*{8}@proxy:3128"\}\n`,
		`\[tcp_tunnel\] gateway_ssh_private_key +default +\n`,
	} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("no %s", want)
		}
	}
	if got := strings.Count(out.String(), "\n["); got != len(table) {
		t.Errorf("%d options are printed, want %d", got, len(table))
	}
	if strings.Contains(out.String(), "hunter2") || t.Failed() {
		t.Error(out.String())
	}
}

// An invalid configuration can be printed too, and it shows no secret.
func TestPrintOfAnInvalidConfiguration(t *testing.T) {
	result, err := Parse([]string{"--k8s-kubeconfig=hunter2", `--k8s-client-configuration={"proxy":"hunter2"}`}, nil)
	var all Errors
	if !errors.As(err, &all) || len(all) != 2 {
		t.Fatalf("error %v, want two", err)
	}
	var out bytes.Buffer
	if err := result.Print(&out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String()+all.Error(), "hunter2") {
		t.Error(out.String(), all)
	}
}
