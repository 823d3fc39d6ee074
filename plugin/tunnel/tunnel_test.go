package tunnel_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const privateKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n-----END OPENSSH PRIVATE KEY-----\n"

const (
	uid     = "92030190-ca03-4864-a97c-dabccaa67f8e"
	release = "bastion-8080-" + uid
	target  = "bastion-" + uid + ".offloading-demo.svc"
)

func labels(instance string) map[string]string {
	return map[string]string{wire.LabelTunnelUID: uid, wire.LabelInstance: instance}
}

// selectorOf selects the tunnels of one instance.
func selectorOf(instance string) string {
	return scope.TunnelSelector(uid) + "," + wire.LabelInstance + "=" + instance
}

// env is a Tunnels on a real API server, with a namespace of its own and a transport
// that can fail chosen requests.
type env struct {
	*testing.T
	*tunnel.Tunnels
	admin     *kubernetes.Clientset
	namespace string
	options   tunnel.Options
	faults    *faults
	log       *testkit.Log
}

func newEnv(t *testing.T, change ...func(*tunnel.Options)) *env {
	t.Helper()
	server := apiserver.ForTest(t)
	e := &env{T: t, admin: server.Client, namespace: server.Namespace(t), faults: &faults{}, log: testkit.NewLog(t)}
	remote := rest.CopyConfig(server.Config)
	remote.QPS, remote.Burst = 1000, 1000
	remote.ContentType = "application/vnd.kubernetes.protobuf"
	remote.Wrap(func(next http.RoundTripper) http.RoundTripper { return faultTransport{e.faults, next} })
	options := tunnel.Options{
		TCPTunnel: config.TCPTunnel{
			BastionNamespace: e.namespace, GatewayHost: "gateway.example.org", GatewayPort: 30222, GatewayUser: "interlink-user",
			GatewaySSHPrivateKey: privateKey,
		},
		Log: e.log.Logger(),
	}
	for _, c := range change {
		c(&options)
	}
	e.options = options
	var err error
	if e.Tunnels, err = tunnel.New(remote, options); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *env) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// objects lists the objects in the namespace, with Helm's records.
func (e *env) objects() []string {
	e.Helper()
	var names []string
	ctx := context.Background()
	secrets, err := e.admin.CoreV1().Secrets(e.namespace).List(ctx, metav1.ListOptions{})
	e.must(err)
	for _, s := range secrets.Items {
		if s.Labels["owner"] == "helm" {
			names = append(names, "record "+s.Labels["name"]+" "+s.Labels["status"])
		} else {
			names = append(names, "secret "+s.Name)
		}
	}
	configMaps, err := e.admin.CoreV1().ConfigMaps(e.namespace).List(ctx, metav1.ListOptions{})
	e.must(err)
	for _, c := range configMaps.Items {
		if c.Name != "kube-root-ca.crt" {
			names = append(names, "configmap "+c.Name)
		}
	}
	deployments, err := e.admin.AppsV1().Deployments(e.namespace).List(ctx, metav1.ListOptions{})
	e.must(err)
	for _, d := range deployments.Items {
		names = append(names, "deployment "+d.Name)
	}
	slices.Sort(names)
	return names
}

// complete lists the objects of one open tunnel.
var complete = []string{"configmap " + release, "deployment " + release, "record " + release + " deployed", "secret " + release}

func (e *env) checkComplete() {
	e.Helper()
	if got := e.objects(); !slices.Equal(got, complete) {
		e.Errorf("these objects exist: %q, want %q", got, complete)
	}
}

func (e *env) checkEmpty() {
	e.Helper()
	if remaining := e.objects(); len(remaining) > 0 {
		e.Errorf("these objects remain: %q", remaining)
	}
}

// records returns Helm's records, decoded.
func (e *env) records() []map[string]any {
	e.Helper()
	secrets, err := e.admin.CoreV1().Secrets(e.namespace).List(context.Background(), metav1.ListOptions{LabelSelector: "owner=helm"})
	e.must(err)
	var records []map[string]any
	for _, s := range secrets.Items {
		packed, err := base64.StdEncoding.DecodeString(string(s.Data["release"]))
		e.must(err)
		unpacked, err := gzip.NewReader(bytes.NewReader(packed))
		e.must(err)
		text, err := io.ReadAll(unpacked)
		e.must(err)
		var record map[string]any
		e.must(json.Unmarshal(text, &record))
		records = append(records, record)
	}
	return records
}

func TestOpenAndClose(t *testing.T) {
	e := newEnv(t)
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	e.checkComplete()
	first := e.records()

	e.must(e.Open(t.Context(), release, labels("b"), 8080, target)) // a second create
	e.checkComplete()
	if second := e.records(); second[0]["info"].(map[string]any)["first_deployed"] != first[0]["info"].(map[string]any)["first_deployed"] {
		t.Error("the second Open replaced an open tunnel")
	}

	configMap, err := e.admin.CoreV1().ConfigMaps(e.namespace).Get(t.Context(), release, metav1.GetOptions{})
	e.must(err)
	for _, part := range []string{"gateway.example.org", "30222", "interlink-user", target, "8080"} {
		if !slices.ContainsFunc(slices.Collect(maps.Values(configMap.Data)), func(v string) bool { return strings.Contains(v, part) }) {
			t.Errorf("%s is missing in the configuration of the bastion: %v", part, configMap.Data)
		}
	}
	deployment, err := e.admin.AppsV1().Deployments(e.namespace).Get(t.Context(), release, metav1.GetOptions{})
	e.must(err)
	for _, l := range []map[string]string{deployment.Labels, deployment.Spec.Template.Labels} {
		if l[wire.LabelTunnelUID] != uid || l[wire.LabelOffloading] != "" || l[wire.LabelPodUID] != "" {
			t.Errorf("the Deployment has the labels %v", l)
		}
	}

	e.must(e.Close(t.Context(), scope.TunnelSelector("another")))
	e.must(e.Close(t.Context(), selectorOf("b"))) // this instance created nothing
	e.checkComplete()
	e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
	e.checkEmpty()
	e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
}

// The key is only in the chart's Secret, and in the manifest of that Secret in Helm's
// record.
func TestKeyIsOnlyInTheSecret(t *testing.T) {
	for _, path := range []string{"", "testdata/python"} {
		t.Run("chart "+path, func(t *testing.T) {
			e := newEnv(t, func(o *tunnel.Options) { o.BastionChartPath = path })
			e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
			encoded := base64.StdEncoding.EncodeToString([]byte(privateKey))
			line := strings.Split(privateKey, "\n")[1]
			for _, record := range e.records() {
				manifest := record["manifest"].(string)
				delete(record, "manifest")
				rest, err := json.Marshal(record)
				e.must(err)
				if bytes.Contains(rest, []byte(encoded)) || bytes.Contains(rest, []byte(line)) {
					t.Error("the key is in Helm's record outside of the manifest")
				}
				for document := range strings.SplitSeq(manifest, "\n---\n") {
					if (strings.Contains(document, encoded) || strings.Contains(document, line)) && !strings.Contains(document, "kind: Secret") {
						t.Errorf("the key is in the manifest\n%s", document)
					}
				}
			}
			if strings.Contains(e.log.String(), line) || strings.Contains(e.log.String(), encoded) {
				t.Error("the key is in the log")
			}
			secret, err := e.admin.CoreV1().Secrets(e.namespace).Get(t.Context(), release, metav1.GetOptions{})
			e.must(err)
			if !slices.ContainsFunc(slices.Collect(maps.Values(secret.Data)), func(v []byte) bool { return string(v) == privateKey }) {
				t.Error("the key is not in the bastion's Secret")
			}
			e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
			e.checkEmpty()
		})
	}
}

// A process stopped during an install or an uninstall. Whatever the state in the record
// is, the next Open completes the tunnel.
func TestOpenCompletesAnInterruptedRelease(t *testing.T) {
	for _, status := range []string{"pending-install", "failed", "uninstalling", "uninstalled"} {
		t.Run(status, func(t *testing.T) {
			e := newEnv(t)
			e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
			secrets := e.admin.CoreV1().Secrets(e.namespace)
			list, err := secrets.List(t.Context(), metav1.ListOptions{LabelSelector: "owner=helm"})
			e.must(err)
			e.must(setRecordStatus(&list.Items[0], status))
			_, err = secrets.Update(t.Context(), &list.Items[0], metav1.UpdateOptions{})
			e.must(err)
			e.must(e.admin.AppsV1().Deployments(e.namespace).Delete(t.Context(), release, metav1.DeleteOptions{}))
			e.must(e.Open(t.Context(), release, labels("b"), 8080, target))
			e.checkComplete()
		})
	}
}

// Objects of a release exist without a record. Open keeps them if they are the same, and
// otherwise replaces them, without the permission to change them.
func TestOpenWithObjectsOfALostRecord(t *testing.T) {
	e := newEnv(t)
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	deleteRecord := func() {
		e.must(e.admin.CoreV1().Secrets(e.namespace).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "owner=helm"}))
	}
	deleteRecord()
	e.faults.set(func(_ int, r *http.Request) fault {
		if r.Method == http.MethodPatch {
			return forbidden
		}
		return ""
	})
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	e.checkComplete()
	deleteRecord()
	if err := e.Open(t.Context(), release, labels("a"), 8080, "other."+target); !errdefs.Is(err, errdefs.Unavailable) {
		t.Errorf("the error is %v (%s), want unavailable", err, errdefs.KindOf(err))
	}
	e.must(e.Open(t.Context(), release, labels("a"), 8080, "other."+target))
	e.checkComplete()
}

// setRecordStatus changes the status of a release in its record.
func setRecordStatus(secret *corev1.Secret, status string) error {
	packed, err := base64.StdEncoding.DecodeString(string(secret.Data["release"]))
	if err != nil {
		return err
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		return err
	}
	var record map[string]any
	if err := json.Unmarshal(text, &record); err != nil {
		return err
	}
	record["info"].(map[string]any)["status"] = status
	if text, err = json.Marshal(record); err != nil {
		return err
	}
	var repacked bytes.Buffer
	pack := gzip.NewWriter(&repacked)
	_, _ = pack.Write(text)
	if err := pack.Close(); err != nil {
		return err
	}
	secret.Data["release"] = []byte(base64.StdEncoding.EncodeToString(repacked.Bytes()))
	secret.Labels["status"] = status
	return nil
}
