package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
)

// A file of the configuration that is not valid is exit code 2 of each command that uses it, with one line for each
// mistake, which names the option and the file.
func TestWrongFilesOfTheConfiguration(t *testing.T) {
	server := apiserver.ForTest(t)
	folder := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	kubeconfig := write("kubeconfig", string(server.Kubeconfig()))
	if _, err := clientcmd.LoadFromFile(kubeconfig); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, flag, text string
		lines            int
	}{
		{"claims with a key twice", "--offloading-claims", "- {remote: a, remote: b}", 1},
		{"claims with two mistakes", "--offloading-claims", "- {claims: [a], subPath: ..}\n- {claims: [b], subPath: ..}", 2},
		{"placement with a key twice", "--offloading-placement", "- {runtimeClass: a, runtimeClass: b}", 1},
		{"a missing token of the page", "--app-admin-token-file", "", 1},
	} {
		path := filepath.Join(folder, "missing")
		if test.text != "" {
			path = write("rules.yaml", test.text)
		}
		for _, command := range []string{"serve", "check", "--check"} {
			args := []string{command, "--k8s-kubeconfig-path", kubeconfig, test.flag, path, "--app-socket-address", "unix://" + filepath.Join(folder, "s")}
			if test.flag == "--app-admin-token-file" {
				args = append(args, "--app-admin-address", "localhost:0")
			}
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), args, nil, &stdout, &stderr); code != exitInvalid {
				t.Errorf("%s: %s: exit code %d", command, test.name, code)
			}
			if got := strings.Count(stderr.String(), "\n"); got != test.lines || strings.Count(stderr.String(), path) < test.lines {
				t.Errorf("%s: %s: %q", command, test.name, stderr.String())
			}
		}
	}
}
