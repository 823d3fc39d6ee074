package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	for _, test := range []struct {
		name           string
		args, environ  []string
		stdin          string
		code           int
		stdout, stderr string
	}{
		{"version", []string{"--version"}, nil, "", 0, "dev\n", ""},
		{"help", []string{"--help"}, nil, "", 0, "plan FILE", ""},
		{"nothing", nil, nil, "", 2, "", "plan FILE"},
		{"unknown flag", []string{"--what"}, nil, "", 2, "", "what"},
		{"a file", []string{"plan", "../../fixtures/examples/create.json"}, nil, "", 0, "name: hello-config-6f0c7d52-5b0e-4c53-9d0a-3f6b1f0a7a11", ""},
		{"standard input and the plugin's environment", []string{"plan", "-"}, []string{"OFFLOADING_NAMESPACE_PREFIX=site"},
			`{"pod":{"metadata":{"name":"p","namespace":"demo","uid":"u"},"spec":{"containers":[{"name":"c"}]}}}`, 0, "namespace: site-demo", ""},
		{"a manifest", []string{"plan", "../../fixtures/scenarios/volume-configmap-shared.yaml"}, nil, "", 0, "kind: ConfigMap", ""},
		{"no file", []string{"plan", "/does/not/exist"}, nil, "", 1, "", "/does/not/exist"},
		{"no request", []string{"plan", "-"}, nil, "{}", 1, "", "there is no pod"},
		{"a configuration that is wrong", []string{"plan", "-"}, []string{"LOG_LEVEL=LOUD"}, "{}", 1, "", "[log] level"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(test.args, test.environ, strings.NewReader(test.stdin), &stdout, &stderr)
			if code != test.code || !strings.Contains(stdout.String(), test.stdout) || !strings.Contains(stderr.String(), test.stderr) {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, test.code, &stdout, &stderr)
			}
		})
	}
}
