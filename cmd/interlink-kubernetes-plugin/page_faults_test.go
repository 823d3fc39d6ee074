package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// What the page of a pod reads from a real API server fails in each way. The page comes all the same, with words for what is
// missing, and without those of the API server; no content of a Secret is in it, nor in the log.
func TestThePageOfAPodWhenItsListsFail(t *testing.T) {
	const (
		token, secret    = "Pag3TokenCanary-0123456789", "R3leaseCanary000"
		refused, strange = "does not permit the plugin to list ", "did not answer as it should"
		late             = "did not answer within 3s"
	)
	tests := []struct{ secrets, events, wantSecrets, wantEvents string }{
		{"403-rights", "500", refused + "Secrets there", strange},
		{"500", "403-rights", strange, refused + "events"},
		{"401", "401", strange, strange},
		{"503", "504", strange, strange},
		{"410", "409", strange, strange},
		{"html-200", "html-403", strange, strange},
		{"html-404", "html-502", strange, strange},
		{"empty-200", "empty-200", strange, strange},
		{"body-short", "body-short", strange, strange},
		{"body-cut", "body-cut", strange, strange},
		{"stall", "reset-after", late, late}, // a connection that breaks is tried again; both at once, so that the page is late once
	}
	folder := t.TempDir()
	tokenFile := filepath.Join(folder, "token")
	if err := os.WriteFile(tokenFile, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	key := "-----BEGIN OPENSSH PRIVATE KEY-----\n" + secret + "\n-----END OPENSSH PRIVATE KEY-----\n"
	f := startFaulty(t, []string{"LIST secrets in PREFIX-bastions: 403-rights"}, "--app-admin-token-file="+tokenFile, "--log-level=DEBUG",
		"--tcp-tunnel-enabled=true", "--tcp-tunnel-bastion-namespace=PREFIX-bastions", "--tcp-tunnel-gateway-host=gateway.example.org",
		"--tcp-tunnel-gateway-port=30222", "--tcp-tunnel-gateway-ssh-private-key="+key)
	bastions := f.prefix + "-bastions"
	// The overview names the check that fails.
	testkit.Eventually(t, "the page says that the releases cannot be counted", func() bool {
		code, body := f.get("/", token)
		return code == http.StatusOK && strings.Contains(body, "tunnel-releases") && strings.Contains(body, "list secrets in namespace "+bastions)
	})
	f.fail()
	request := f.pod("demo", "exposed")
	uids := f.prefix[1:] + "-ca03-4864-a97c-" // their names follow from the form of a UID
	request.Pod.UID = types.UID(uids + "dabccaa67f8e")
	request.Pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 8080}}
	first := f.create(request)
	namespace := first.Namespace

	// A page keeps what it has read for a while: so each failure has a pod of its own, and the last one has none.
	var names []string
	for n := range len(tests) + 1 {
		uid := fmt.Sprintf("%s%012d", uids, n)
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("exposed-%d", n), Labels: map[string]string{}, Annotations: map[string]string{}}, Spec: first.Spec}
		for name, value := range first.Labels {
			pod.Labels[name] = strings.ReplaceAll(value, string(request.Pod.UID), uid)
		}
		for name, value := range first.Annotations {
			pod.Annotations[name] = strings.ReplaceAll(value, string(request.Pod.UID), uid)
		}
		_, err := f.server.Client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{})
		f.must(err)
		_, err = f.server.Client.CoreV1().Secrets(bastions).Create(t.Context(), &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: "sh.helm.release.v1." + pod.Name, Labels: map[string]string{
				"owner": "helm", "name": "bastion-8080-" + uid, "status": "deployed", wire.LabelTunnelUID: uid}},
			Data: map[string][]byte{"release": []byte(secret)},
		}, metav1.CreateOptions{})
		f.must(err)
		names = append(names, pod.Name)
	}
	testkit.Eventually(t, "the page has all pods", func() bool {
		_, body := f.get("/", token)
		for _, name := range names {
			if !strings.Contains(body, "/pods/"+namespace+"/"+name+`"`) {
				return false
			}
		}
		return true
	})
	for n, test := range tests {
		f.fail("LIST secrets in "+bastions+": "+test.secrets, "LIST events: "+test.events)
		code, body := f.get("/pods/"+namespace+"/"+names[n], token)
		releases := "the releases in namespace " + bastions + " cannot be read: the remote "
		if code != http.StatusOK || !strings.Contains(body, "Timeline") || !strings.Contains(body, "target of the TCP tunnels") {
			t.Errorf("%+v: the page is not whole: %d\n%s", test, code, body)
		}
		_, said, found := strings.Cut(body, releases)
		said, _, _ = strings.Cut(said, "<")
		if !found || !strings.Contains(said, test.wantSecrets) {
			t.Errorf("%+v: the page says of the releases %q", test, said)
		}
		if rest := strings.Replace(body, releases+said, "", 1); !strings.Contains(rest, test.wantEvents) {
			t.Errorf("%+v: the page says nothing of the events\n%s", test, body)
		}
		for _, text := range []string{secret, "on purpose", "deployed", "Please log in"} {
			if strings.Contains(body, text) {
				t.Errorf("%+v: the page has %q\n%s", test, text, body)
			}
		}
	}
	f.fail()
	if code, body := f.get("/pods/"+namespace+"/"+names[len(tests)], token); code != http.StatusOK || !strings.Contains(body, "exposes TCP port 8080, deployed in namespace "+bastions) || strings.Contains(body, secret) {
		t.Errorf("without a failure, the page is %d\n%s", code, body)
	}
	f.logged("the admin page does not show the releases of a pod")
	f.program.Terminate()
	if code, output := f.program.Wait(); code != 0 || strings.Contains(output, secret) {
		t.Errorf("the program ends with %d, or its log has a secret", code)
	}
}
