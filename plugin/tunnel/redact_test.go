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

// quotes returns the key in the forms in which a text may quote it.
func quotes() map[string]string {
	encoded := base64.StdEncoding.EncodeToString([]byte(privateKey))
	return map[string]string{
		"PEM":                              privateKey,
		"PEM, trimmed":                     strings.TrimSpace(privateKey),
		"PEM in a Go string":               fmt.Sprintf("%q", privateKey),
		"PEM on one line":                  strings.ReplaceAll(privateKey, "\n", " "),
		"PEM with Windows line ends":       strings.ReplaceAll(privateKey, "\n", "\r\n"),
		"a line of its body":               strings.Split(privateKey, "\n")[1],
		"a part of a line":                 strings.Split(privateKey, "\n")[1][:40] + "...",
		"base64":                           encoded,
		"a part of the base64":             encoded[:60] + "...",
		"base64 with Windows line ends":    base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(privateKey, "\n", "\r\n"))),
		"base64 without the last line end": base64.StdEncoding.EncodeToString([]byte(strings.TrimSpace(privateKey))),
	}
}

// findKey returns a part of the key that is in a text, or "" if there is none. The first
// and the last line of the key are not secret.
func findKey(text string) string {
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

// A server, such as an admission webhook, may quote the key in an error. The key is then
// removed from the returned error, from the log, and from Helm's record, which says why
// an install failed.
func TestKeyIsRedacted(t *testing.T) {
	for name, quote := range quotes() {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			updates := 0
			e.faults.set(func(_ int, r *http.Request) fault {
				switch permissionOf(r) {
				case "create deployments.apps":
					return faulty.ForbiddenWithText("this is not permitted: " + quote + " and that is all")
				case "update secrets": // the first update writes the reason of the failure, the second belongs to the rollback
					if updates++; updates > 1 {
						return forbidden
					}
				}
				return ""
			})
			err := e.Open(t.Context(), release, labels("a"), 8080, target)
			if err == nil || !strings.Contains(err.Error(), "this is not permitted: ") || !strings.Contains(err.Error(), " and that is all") {
				t.Errorf("Open returns %v, want the server's text", err)
			}
			if part := findKey(err.Error()); part != "" {
				t.Errorf("the part %s of the key is in the error %v", part, err)
			}
			if part := findKey(e.log.String()); part != "" {
				t.Errorf("the part %s of the key is in the log", part)
			}
			records := e.records()
			if len(records) != 1 {
				t.Fatalf("%d records exist, want 1", len(records))
			}
			if text := fmt.Sprint(records[0]["info"]); !strings.Contains(text, "this is not permitted") {
				t.Errorf("the record does not have the reason of the failure: %s", text)
			}
			delete(records[0], "manifest")
			rest, err := json.Marshal(records[0])
			e.must(err)
			if part := findKey(string(rest)); part != "" {
				t.Errorf("the part %s of the key is in Helm's record: %s", part, records[0]["info"])
			}
			e.faults.set(nil)
			e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
			e.checkEmpty()
		})
	}
}

// All output goes to the log, including the warnings of the API server.
func TestOutputGoesToTheLogOnly(t *testing.T) {
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
		t.Errorf("this output did not go to the log: %s%s", text, printed.String())
	}
	if !strings.Contains(e.log.String(), "would violate PodSecurity") {
		t.Errorf("the API server's warning is not in the log")
	}
}

// Helm writes warnings about the values of a chart to Go's standard logger.
func TestRedactingWriter(t *testing.T) {
	e := newEnv(t, func(o *tunnel.Options) {
		o.BastionChartPath = t.TempDir()
		writeChart(t, o.BastionChartPath, map[string]string{
			"Chart.yaml":          "apiVersion: v2\nname: bastion\nversion: 1.0.0\n",
			"values.yaml":         "tunnel: {gateway: {ssh: a word}}\n",
			"templates/none.yaml": "",
		})
	})
	log.SetOutput(tunnel.NewRedactingWriter(e.options.Log, privateKey))
	defer log.SetOutput(os.Stderr)
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	if !strings.Contains(e.log.String(), "destination for bastion.tunnel.gateway.ssh is a table") {
		t.Errorf("Helm's warning is not in the log:\n%s", e.log)
	}
	log.Print("values are " + privateKey)
	if part := findKey(e.log.String()); part != "" || !strings.Contains(e.log.String(), "values are ") {
		t.Errorf("the part %q of the key is in the log:\n%s", part, e.log)
	}
}
