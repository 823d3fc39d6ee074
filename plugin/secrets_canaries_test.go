package plugin_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// canaries are the secrets that go through the plugin, by where they are.
var canaries = map[string]string{
	"kubeconfig":       "Kc0nfigT0kenCanary",
	"variable":         "Var1ableCanary",
	"argument":         "Argum3ntCanary",
	"Secret":           "S3cretDataCanary",
	"Secret text":      "S3cretTextCanary",
	"registry":         "R3gistryCanary",
	"service account":  "Serv1ceTokenCanary",
	"mesh script":      "M3shScriptCanary",
	"mesh key":         "M3shKeyCanary",
	"tunnel command":   "Tunn3lCommandCanary",
	"gateway key":      "Gat3wayKeyCanary",
	"ConfigMap":        "C0nfigMapCanary",
	"unknown key":      "Unkn0wnKeyCanary",
	"stored by a user": "Us3rsAnnotationCanary",
	"collector":        "C0llectorT0kenCanary",
	"page token":       pageToken,
}

// programCanary is what a user's program wrote. InterLink gets it with the status of the pod; the page does not show it.
const programCanary = "Pr0gramOutputCanary"

// canaryCreate returns a create request with all canaries of a pod.
func canaryCreate(name string) wire.CreateRequest {
	request := podOf(name, corev1.Container{
		Name: "main", Image: "registry.invalid/image", Args: []string{"--password=" + canaries["argument"]},
		Env: []corev1.EnvVar{{Name: "PASSWORD", Value: canaries["variable"]}},
		VolumeMounts: []corev1.VolumeMount{
			{Name: "config", MountPath: "/config"}, {Name: "secret", MountPath: "/secret"}, {Name: "token", MountPath: "/token"},
		},
	})
	seconds := int64(3600)
	request.Pod.Spec.Volumes = []corev1.Volume{
		configMapVolume("config", "config"),
		{Name: "secret", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "secret"}}},
		{Name: "token", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: &seconds}},
		}}}},
	}
	request.Pod.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "registry"}}
	request.Pod.Annotations = map[string]string{
		wire.AnnotationPreExec:          "cat <<'EOFMESH' > $TMPDIR/mesh.sh\nexport KEY=" + canaries["mesh script"] + "\nEOFMESH\n",
		wire.AnnotationWireguardSnippet: "PrivateKey = " + canaries["mesh key"],
		wire.AnnotationTunnelCommands:   "curl https://site.invalid; ./wstunnel client --http-upgrade-path-prefix " + canaries["tunnel command"] + " ws://site.invalid",
		"example.org/password":          canaries["stored by a user"],
	}
	object := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, Namespace: request.Pod.Namespace}
	}
	registry := fmt.Sprintf(`{"auths":{"registry.invalid":{"auth":%q}}}`, base64.StdEncoding.EncodeToString([]byte("user:"+canaries["registry"])))
	request.Containers = []wire.ContainerVolumes{{
		Name:       "main",
		ConfigMaps: []corev1.ConfigMap{{ObjectMeta: object("config"), Data: map[string]string{"password": canaries["ConfigMap"]}}},
		Secrets: []corev1.Secret{
			{ObjectMeta: object("secret"), Data: map[string][]byte{"password": []byte(canaries["Secret"])}, StringData: map[string]string{"text": canaries["Secret text"]}},
			{ObjectMeta: object("registry"), Type: corev1.SecretTypeDockerConfigJson, Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(registry)}},
		},
		ProjectedVolumeMaps: []corev1.ConfigMap{{ObjectMeta: object("token"), Data: map[string]string{"token": canaries["service account"]}}},
	}}
	return request
}

// echo is a proxy of a remote API server. It answers a request about a pod named echo-CODE with
// that status and everything that the request contains, as a login page or a debugging proxy
// does.
type echo struct {
	real  http.Handler
	quota atomic.Bool // pods are over a quota
}

var echoed = regexp.MustCompile(`echo-(\d+)-`)

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	creates := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pods")
	request, _ := httputil.DumpRequest(r, true) // it keeps the body for the API server
	code := 0
	if found := echoed.FindSubmatch(request); found != nil {
		code, _ = strconv.Atoi(string(found[1])) // digits only
	}
	switch {
	case code != 0:
		contentType := "text/html"
		if code == http.StatusForbidden { // as the API server itself
			contentType = "application/json"
			request, _ = json.Marshal(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: "Forbidden", Code: 403, Message: "refused"})
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(code)
		_, _ = w.Write(request)
	case e.quota.Load() && creates:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,`+
			`"message":"pods \"p\" is forbidden: exceeded quota: quota, requested: pods=1, used: pods=1, limited: pods=1"}`)
	default:
		e.real.ServeHTTP(w, r)
	}
}

// pageBody returns a page as a reader with the token sees it.
func pageBody(t *testing.T, address, path string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+pageToken)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(body), "<script>") {
		t.Errorf("%s has markup of a user", path)
	}
	return string(body)
}
