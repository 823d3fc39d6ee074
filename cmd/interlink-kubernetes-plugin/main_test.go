package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

var update = flag.Bool("update", false, "rewrite docs/commands.md and the goldens")

// The test binary runs as the program if this variable is set.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_THE_PROGRAM") != "" {
		main()
	}
	os.Exit(m.Run())
}

// kubeconfig writes a kubeconfig to a file and returns its path.
func kubeconfig(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFlags(t *testing.T) {
	for _, test := range []struct {
		args   []string
		code   int
		stdout []string
		stderr []string
	}{
		{[]string{"--version"}, 0, []string{"dev\n"}, nil},
		{[]string{"--help"}, 0, []string{"--app-socket-address", "--check", "--print-config"}, nil},
		{[]string{"--app-socket-mode=0000"}, 2, nil, []string{"[app] socket_mode", "no user write permission"}},
		{[]string{"--no-such-flag"}, 2, nil, []string{"no-such-flag"}},
		{ // all errors together
			[]string{"--app-socket-address=https://0.0.0.0", "--log-level=LOUD", "--offloading-create-timeout=10m"}, 2, nil,
			[]string{"[app] socket_address", "[log] level", "[offloading] create_timeout", "flag --log-level"},
		},
		{
			[]string{"--print-config", "--k8s-kubeconfig", `{"users":[{"user":{"token":"s3cr3t"}}]}`, "--log-level=debug"}, 0,
			[]string{"create_timeout", "********", "--log-level"}, nil,
		},
		{
			[]string{"--print-config", "--tcp-tunnel-gateway-ssh-private-key", "-----BEGIN OPENSSH PRIVATE KEY-----\ns3cr3t\n-----END OPENSSH PRIVATE KEY-----"}, 0,
			[]string{"gateway_ssh_private_key", "********"}, nil,
		},
		{[]string{"--k8s-kubeconfig-path=/does/not/exist"}, 2, nil, []string{"/does/not/exist"}},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), test.args, nil, &stdout, &stderr); code != test.code {
				t.Errorf("exit code %d, want %d: %s", code, test.code, &stderr)
			}
			for _, check := range []struct {
				got  string
				want []string
			}{{stdout.String(), test.stdout}, {stderr.String(), test.stderr}} {
				for _, want := range check.want {
					if !strings.Contains(check.got, want) {
						t.Errorf("%q is missing in\n%s", want, check.got)
					}
				}
				if strings.Contains(check.got, "s3cr3t") {
					t.Errorf("the output shows a secret:\n%s", check.got)
				}
			}
		})
	}
}

// Wrong variables of traces keep the program from starting, together with wrong options; tokens are not shown.
func TestVariablesOfTraces(t *testing.T) {
	environ := []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_PROTOCOL=http/json", "OTEL_EXPORTER_OTLP_HEADERS=s3cr3t", "ENABLE_TRACING=yes"}
	for _, args := range [][]string{{"--log-level=LOUD"}, {"--print-config", "--log-level=LOUD"}, {"--check", "--log-level=LOUD"}} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, environ, &stdout, &stderr); code != exitInvalid {
			t.Errorf("%v: exit code %d", args, code)
		}
		for _, want := range []string{"[log] level", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_HEADERS", "ENABLE_TRACING"} {
			if strings.Count(stderr.String(), want) != 1 {
				t.Errorf("%v: %s is not named once in\n%s", args, want, &stderr)
			}
		}
		if strings.Contains(stdout.String()+stderr.String(), "s3cr3t") {
			t.Errorf("%v shows a token:\n%s%s", args, &stdout, &stderr)
		}
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--version"}, environ, &stdout, &stderr); code != 0 {
		t.Errorf("--version: exit code %d, %s", code, &stderr)
	}
}

func TestCheckReportsPermissions(t *testing.T) {
	server := apiserver.ForTest(t)
	user, err := server.AddUser("without-permissions")
	if err != nil {
		t.Fatal(err)
	}
	noPermissions, err := user.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name       string
		kubeconfig []byte
		code       int
		want       string
	}{
		{"all permissions", server.Kubeconfig(), 0, "deletecollection  secrets "},
		{"no permissions", noPermissions, 1, "MISSING"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), []string{"--check", "--k8s-kubeconfig-path", kubeconfig(t, test.kubeconfig)}, nil, &stdout, &stderr)
			if code != test.code || !strings.Contains(stdout.String(), test.want) {
				t.Errorf("exit code %d\n%s%s", code, &stdout, &stderr)
			}
		})
	}
	t.Run("the API server is unavailable", func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		args := []string{"--check", "--k8s-kubeconfig-path", kubeconfig(t, server.Kubeconfig()), `--k8s-client-configuration={"host":"https://127.0.0.1:1"}`}
		if code := run(t.Context(), args, nil, &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), "version of the remote API server") {
			t.Errorf("exit code %d\n%s%s", code, &stdout, &stderr)
		}
	})
}

// The plugin starts with the configuration file of the Python plugin and serves on its
// socket. After SIGTERM it removes the socket and ends with exit code 0.
func TestServesUntilSIGTERM(t *testing.T) {
	server := apiserver.ForTest(t)
	folder := testkit.ShortFolder(t)
	socket := filepath.Join(folder, "sockets", ".plugin.sock")
	file := filepath.Join(folder, "config.ini")
	content := fmt.Sprintf(`[app]
name=interlink-kubernetes-plugin
version=dev
api_versions=v1
api_docs_path=/docs
# Unix socket mode:
socket_address=unix://%s
socket_port=0

[log]
level=DEBUG
dir=%s
rich_enabled=True
requests_enabled=False

[k8s]
kubeconfig_path=%s

[offloading]
namespace_prefix=offloading
namespace_prefix_exclusions=["kube-system"]

[mesh]
init_container=True
startup_probe=True
slurm_setup_script=False

[tcp_tunnel]
enabled=False
bastion_namespace=tcp-tunnel
bastion_chart_path=infr/charts/tcp-tunnel/charts/bastion
gateway_host=
gateway_port=
gateway_ssh_private_key=
`, socket, filepath.Join(folder, "logs"), kubeconfig(t, server.Kubeconfig()))
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}

	program := exec.Command(os.Args[0])
	program.Env = append(os.Environ(), "RUN_THE_PROGRAM=1", "CONFIG_FILE_PATH="+file)
	var output bytes.Buffer
	program.Stdout, program.Stderr = &output, &output
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- program.Wait() }()
	t.Cleanup(func() { _ = program.Process.Kill() })

	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	ping(t, client)
	if err := program.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the program ends with %v\n%s", err, &output)
	}
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is not removed: %v", err)
	}
	logged, err := os.ReadFile(filepath.Join(folder, "logs", "interlink-kubernetes-plugin.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, log := range []string{output.String(), string(logged)} {
		if !strings.Contains(log, "msg=starting") || !strings.Contains(log, "msg=stopped") {
			t.Errorf("the log is\n%s", log)
		}
	}
}

// ping waits until the plugin responds to a ping.
func ping(t *testing.T, client *http.Client) {
	t.Helper()
	testkit.EventuallyNoError(t.Context(), t, testkit.Timeout, "the plugin responds to a ping", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://unix/status", strings.NewReader("[]"))
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("the response to the ping is %s", response.Status)
		}
		return nil
	})
}
