package tunnel_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
)

// quotes are ways in which somebody may quote the key.
func quotes() map[string]string {
	encoded := base64.StdEncoding.EncodeToString([]byte(privateKey))
	return map[string]string{
		"PEM":                           privateKey,
		"PEM, trimmed":                  strings.TrimSpace(privateKey),
		"PEM in a Go string":            fmt.Sprintf("%q", privateKey),
		"PEM on one line":               strings.ReplaceAll(privateKey, "\n", " "),
		"PEM with Windows' lines":       strings.ReplaceAll(privateKey, "\n", "\r\n"),
		"a line of its body":            strings.Split(privateKey, "\n")[1],
		"a line that was cut":           strings.Split(privateKey, "\n")[1][:40] + "...",
		"base64":                        encoded,
		"base64 that was cut":           encoded[:60] + "...",
		"base64 of Windows' lines":      base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(privateKey, "\n", "\r\n"))),
		"base64 without a last newline": base64.StdEncoding.EncodeToString([]byte(strings.TrimSpace(privateKey))),
	}
}

// shown says which part of the key, longer than anybody could take for something
// else, is in a text. Its first and last lines are no secret.
func shown(text string) string {
	body := strings.Split(privateKey, "\n")[1]
	for _, form := range []string{
		body,
		base64.StdEncoding.EncodeToString([]byte(privateKey)),
		base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(privateKey, "\n", "\r\n"))),
	} {
		for at := 0; at+20 <= len(form); at++ {
			if strings.Contains(text, form[at:at+20]) {
				return form[at : at+20]
			}
		}
	}
	return ""
}

// An admission webhook, say, quotes what it refuses: that is neither told nor
// logged nor kept in Helm's record, which says why an install failed.
func TestKeyIsQuoted(t *testing.T) {
	for name, quote := range quotes() {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			updates := 0
			e.faults.set(func(_ int, r *http.Request) fault {
				switch about(r) {
				case "create deployments.apps":
					return faulty.Says("this is not permitted: " + quote + " and that is all")
				case "update secrets": // the first says why it failed, the next would say that it is undone
					if updates++; updates > 1 {
						return forbidden
					}
				}
				return ""
			})
			err := e.Open(t.Context(), release, labels("a"), 8080, target)
			if err == nil || !strings.Contains(err.Error(), "this is not permitted: ") || !strings.Contains(err.Error(), " and that is all") {
				t.Errorf("it says %v", err)
			}
			if part := shown(err.Error()); part != "" {
				t.Errorf("%s is in %v", part, err)
			}
			if part := shown(e.log.String()); part != "" {
				t.Errorf("%s is in the log", part)
			}
			records := e.records()
			if len(records) != 1 {
				t.Fatalf("there are %d records", len(records))
			}
			if text := fmt.Sprint(records[0]["info"]); !strings.Contains(text, "this is not permitted") {
				t.Errorf("the record does not say why: %s", text)
			}
			delete(records[0], "manifest")
			rest, err := json.Marshal(records[0])
			e.must(err)
			if part := shown(string(rest)); part != "" {
				t.Errorf("%s is in Helm's record: %s", part, records[0]["info"])
			}
			e.faults.set(nil)
			e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
			e.isEmpty()
		})
	}
}

// Nothing is written past the log, not even what the API server warns of.
func TestQuiet(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	e := newEnv(t, func(o *tunnel.Options) { o.BastionChartPath = "testdata/python" })
	_, err = e.admin.CoreV1().Namespaces().Patch(t.Context(), e.namespace, types.MergePatchType,
		[]byte(`{"metadata":{"labels":{"pod-security.kubernetes.io/warn":"restricted"}}}`), metav1.PatchOptions{})
	e.must(err)
	var printed bytes.Buffer
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = file, file
	log.SetOutput(&printed)
	defer func() { os.Stdout, os.Stderr = stdout, stderr; log.SetOutput(stderr) }()
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
	os.Stdout, os.Stderr = stdout, stderr
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(file)
	e.must(err)
	if len(text) > 0 || printed.Len() > 0 {
		t.Errorf("it wrote %s%s", text, printed.String())
	}
	if !strings.Contains(e.log.String(), "would violate PodSecurity") {
		t.Errorf("the API server's warning is not in the log")
	}
}

// Helm prints what it thinks of a chart's values by Go's standard logger.
func TestPrinted(t *testing.T) {
	e := newEnv(t, func(o *tunnel.Options) {
		o.BastionChartPath = t.TempDir()
		writeChart(t, o.BastionChartPath, map[string]string{
			"Chart.yaml":          "apiVersion: v2\nname: bastion\nversion: 1.0.0\n",
			"values.yaml":         "tunnel: {gateway: {ssh: a word}}\n",
			"templates/none.yaml": "",
		})
	})
	log.SetOutput(tunnel.Printed(e.options.Log, privateKey))
	defer log.SetOutput(os.Stderr)
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	if !strings.Contains(e.log.String(), "destination for bastion.tunnel.gateway.ssh is a table") {
		t.Errorf("what Helm printed is not in the log:\n%s", e.log)
	}
	log.Print("values are " + privateKey)
	if part := shown(e.log.String()); part != "" || !strings.Contains(e.log.String(), "values are ") {
		t.Errorf("the log shows %q in\n%s", part, e.log)
	}
}
