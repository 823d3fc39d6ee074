package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/interlinkapi"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	simserve "github.com/interlink-hq/interlink-kubernetes-plugin/sim/serve"
)

// try sends pods to the plugin with a simulated cluster: where the configuration says, with --plugin, and through
// an InterLink API server with TLS.
func TestTry(t *testing.T) {
	options := simserve.Options{Config: config.Defaults(), Speed: 50, Version: "test", Log: slog.New(slog.DiscardHandler)}
	socket := testkit.SocketPath(t)
	options.Config.App.SocketAddress = "unix://" + socket
	listening := make(chan net.Addr, 1)
	options.Listening = func(address net.Addr) { listening <- address }
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- simserve.Run(ctx, options) }()
	t.Cleanup(func() {
		stop()
		if err := testkit.Receive(t, "the plugin stops", ended); err != nil {
			t.Error(err)
		}
	})
	testkit.Receive(t, "the plugin listens", listening)

	interLink := interlinkapi.New("unix://" + socket)
	t.Cleanup(interLink.Close)
	server := httptest.NewTLSServer(interLink)
	t.Cleanup(server.Close)
	folder := t.TempDir()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(folder, "ca.crt"), authority, 0o600); err != nil {
		t.Fatal(err)
	}
	const command = " --expect= -- run" // the simulated container writes no line
	for _, test := range []struct {
		line, stdout, stderr string
		code                 int
	}{
		{"try --app-socket-address unix://" + socket + command, "The plugin runs pods.\n", "", 0},
		{"try --plugin unix://" + socket + " -n team-a" + command, "The plugin runs pods.\n", "", 0},
		{"try --interlink " + server.URL + " --tls-dir " + folder + command, "The plugin runs pods.\n", "", 0},
		{"try --plugin unix://" + socket, "  status  Succeeded\n", "try: log: the log of container main is", exitFailed},
		{"try --interlink " + server.URL + " --wait 0s" + command, "", "certificate", exitFailed},
		{"try --plugin unix://" + socket + ` --overrides {"spec":{"hostNetwork":true}}` + command, "  delete  accepted\n",
			"try: create: the pod is refused with code 403: ", exitFailed},
		{"try --plugin unix:///no/socket --wait 0s", "", "try: plugin: there is no plugin at unix:///no/socket: ", exitFailed},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), strings.Fields(test.line), nil, &stdout, &stderr)
		if code != test.code || !strings.Contains(stdout.String(), test.stdout) || !strings.Contains(stderr.String(), test.stderr) || strings.Count(stderr.String(), "\n") > 1 {
			t.Errorf("%s: exit code %d, want %d\n%s\n%s", test.line, code, test.code, &stdout, &stderr)
		}
	}
}

// The command accepts the arguments of the chart's test pods.
func TestChartCallsTry(t *testing.T) {
	files, err := filepath.Glob("../../charts/testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range strings.Split(string(text), "\n---\n") {
			var pod corev1.Pod
			if err := yaml.Unmarshal([]byte(document), &pod); err != nil || pod.Kind != "Pod" {
				continue
			}
			calls++
			p := &program{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}
			command, args, err := p.root().Find(pod.Spec.Containers[0].Args)
			if err != nil || command.Name() != "try" {
				t.Errorf("%s: %v, %v", file, pod.Spec.Containers[0].Args, err)
				continue
			}
			if problems := config.ParseFlags(command.Flags(), args); len(problems) > 0 {
				t.Errorf("%s: %v", file, problems)
			}
			if address, _ := command.Flags().GetString("plugin"); address == "" {
				if address, _ = command.Flags().GetString("interlink"); address == "" {
					t.Errorf("%s: the pod is sent nowhere: %v", file, args)
				}
			}
			overrides, _ := command.Flags().GetString("overrides")
			image, _ := command.Flags().GetString("image")
			if _, err := (&tryFlags{namespace: "demo", image: image, override: overrides}).pod(command.Flags().Args()); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	if calls < 5 {
		t.Errorf("the chart has only %d test pods", calls)
	}
}

// Mistakes in the command are found before a pod is sent.
func TestMistakesInTry(t *testing.T) {
	empty, wrong := t.TempDir(), t.TempDir()
	for _, file := range []string{"ca.crt", "tls.crt", "tls.key"} {
		if err := os.WriteFile(filepath.Join(wrong, file), []byte("s3cr3t"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	half := t.TempDir()
	for _, file := range []string{"tls.crt", "tls.key"} {
		if err := os.WriteFile(filepath.Join(half, file), []byte("s3cr3t"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"--plugin unix:///a --interlink http://b":        "not both",
		"--plugin ftp://a":                               "the address is not one of",
		"--plugin https://a":                             "the address is not one of",
		"--plugin http://user:s3cr3t@a":                  "the address is not one of",
		"--plugin http://":                               "the address is not one of",
		"--plugin unix://":                               "the address is not one of",
		"--plugin a:b:s3cr3t":                            "the address is not one of",
		"--plugin http://a --tls-dir " + empty:           "--tls-dir is for --interlink https://",
		"--interlink https://a --tls-dir /no/folder":     "--tls-dir: stat /no/folder: no such file",
		"--interlink https://a --tls-dir " + wrong:       "ca.crt has no certificate",
		"--interlink https://a --tls-dir " + half:        "tls.crt and tls.key: ",
		"--plugin http://a --namespace A":                "--namespace is not the name",
		"--plugin http://a --image=":                     "--image is empty",
		"--plugin http://a --overrides {":                "--overrides: ",
		`--plugin http://a --overrides {"spec":{"a":1}}`: "--overrides: ",
		"--plugin http://a --timeout 0s":                 "--timeout must be longer",
		"--plugin http://a --wait -1s":                   "--wait must not be negative",
		"--plugin http://a --timeout soon":               "flag --timeout: must be a duration such as 30s or 5m",
		"--plugin http://a s3cr3t":                       "the command of the pod stands after --",
		"--log-level LOUD":                               "[log] level",
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"try"}, strings.Fields(line)...), nil, &stdout, &stderr)
		text := stderr.String()
		if code != exitInvalid || !strings.Contains(text, want) || strings.Count(text, "\n") != 1 || strings.Contains(text, "s3cr3t") || stdout.Len() > 0 {
			t.Errorf("try %s: exit code %d\n%s%s", line, code, text, &stdout)
		}
	}
}
