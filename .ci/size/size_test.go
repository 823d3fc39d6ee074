package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestPartOfPackage(t *testing.T) {
	for name, want := range map[string]string{
		"main": "this plugin",
		"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/server": "this plugin",
		"k8s.io/api/core/v1":                             "Kubernetes: API types",
		"k8s.io/apimachinery/pkg/types":                  "Kubernetes: client", // not k8s.io/api
		"k8s.io/client-go/kubernetes":                    "Kubernetes: client",
		"k8s.io/cli-runtime/pkg/resource":                "Helm: TCP tunnels", // the longer prefix
		"helm.sh/helm/v3/pkg/action":                     "Helm: TCP tunnels",
		"go.opentelemetry.io/otel":                       "gRPC and OTLP: traces",
		"google.golang.org/grpc":                         "gRPC and OTLP: traces",
		"github.com/prometheus/client_golang/prometheus": "Prometheus: metrics",
		"github.com/spf13/cobra":                         "cobra: commands",
		"crypto/tls":                                     "TLS, HTTP and addresses",
		"vendor/golang.org/x/net/http2/hpack":            "TLS, HTTP and addresses",
		"runtime":                                        standard,
		"internal/abi":                                   standard,
		"networking":                                     standard,
		"example.org/something":                          others,
	} {
		if got := featureOf(name); got != want {
			t.Errorf("%s is counted as %q, want %q", name, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	var out strings.Builder
	list := parts(map[string]uint64{"k8s.io/api/core/v1": 2_000_000, "k8s.io/api/apps/v1": 1_000_000, "github.com/spf13/cobra": 500_000, "main": 500_000})
	if err := write(&out, "bin/program", 8_000_000, list, true); err != nil {
		t.Fatal(err)
	}
	want := `
     code  share  of the file  bin/program
  3.00 MB   75 %       6.0 MB  Kubernetes: API types
  2.00 MB   50 %       4.0 MB    k8s.io/api/core/v1
  1.00 MB   25 %       2.0 MB    k8s.io/api/apps/v1
  0.50 MB   12 %       1.0 MB  cobra: commands
  0.50 MB   12 %       1.0 MB    github.com/spf13/cobra
  0.50 MB   12 %       1.0 MB  this plugin
  0.50 MB   12 %       1.0 MB    main
  4.00 MB  100 %       8.0 MB  total
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("table:%s\nwant:%s", got, want)
	}
}

// This program is read as the plugin is.
func TestProgram(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("programs for Linux are read")
	}
	file, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	code, err := codeOf(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"runtime", "testing", "debug/elf"} {
		if code[name] < 1000 {
			t.Errorf("%s has %d bytes of code", name, code[name])
		}
	}
	var out strings.Builder
	if err := run([]string{file}, &out); err != nil || !strings.Contains(out.String(), standard) {
		t.Errorf("error %v, output %s", err, out.String())
	}
	if err := run([]string{"-max", "1000", file}, &out); err == nil || !strings.Contains(err.Error(), "must have fewer than 1000") {
		t.Errorf("a program that is too large: error %v", err)
	}
}

func TestErrors(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{}, {"a", "b"}, {"missing"}, {text}, {"-unknown"}} {
		if err := run(args, os.Stderr); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
