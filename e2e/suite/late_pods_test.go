//go:build e2e

package suite

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// latePod is a pod that needs one Secret, which its plugin creates late.
type latePod struct {
	name   string
	script string
	change func(*corev1.Pod)
	// request changes the request that creates the pod.
	request func(*wire.CreateRequest)
	// gated is whether only a scheduling gate keeps the pod from starting without the
	// Secret: the kubelet would not wait for it.
	gated bool
	// log is what the container main prints before it succeeds, with NAME for the name of
	// the pod. If it is "", the pod fails with the message failure.
	log, failure string
}

// latePods are the ways in which a pod can use a Secret.
var latePods = []latePod{
	{name: "volume", script: "cat /login/password", log: "s3cr3t", change: func(pod *corev1.Pod) {
		mount(pod, &pod.Spec.Containers[0], "login", loginVolume(corev1.SecretVolumeSource{}))
	}},
	{name: "init-volume", script: "cat /shared/copy", log: "s3cr3t", change: func(pod *corev1.Pod) {
		first := corev1.Container{Name: "first", Image: "busybox:1.37", Command: []string{"cp", "/login/password", "/shared/copy"}}
		mount(pod, &first, "login", loginVolume(corev1.SecretVolumeSource{}))
		mount(pod, &first, "shared", corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}})
		pod.Spec.InitContainers = []corev1.Container{first}
		pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "shared", MountPath: "/shared"}}
	}},
	{name: "projected", script: "tr -cd . </all/token; cat /all/name", log: "..NAME", change: func(pod *corev1.Pod) {
		mount(pod, &pod.Spec.Containers[0], "all", corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: ptr.To[int64](3600)}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{
				{Path: "name", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}},
			}}},
		}}})
	}},
	{name: "mesh", script: "sleep 15", failure: "there is no tun device", change: func(pod *corev1.Pod) { // the Secret has the script
		pod.Annotations = map[string]string{wire.AnnotationPreExec: `cat <<'EOFMESH' > $TMPDIR/mesh.sh
#!/bin/sh
echo there is no tun device
exit 3
EOFMESH`}
	}},
	// The kubelet does not wait for an optional source.
	{name: "optional", gated: true, script: "cat /login/password; test ! -e /login/absent", log: "s3cr3t", change: func(pod *corev1.Pod) {
		mount(pod, &pod.Spec.Containers[0], "login", loginVolume(corev1.SecretVolumeSource{
			Optional: ptr.To(true), Items: []corev1.KeyToPath{{Key: "password", Path: "password"}, {Key: "absent", Path: "absent"}},
		}))
	}},
	// InterLink of today resolves such a variable by itself.
	{name: "variable", gated: true, script: "echo $PASSWORD", log: "s3cr3t", request: func(r *wire.CreateRequest) {
		r.Containers[0].Secrets = []corev1.Secret{loginSecret()}
		r.Pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "PASSWORD", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: loginSecret().Name}, Key: "password",
		}}}}
	}},
}

// loginSecret returns the Secret of the late pods.
func loginSecret() corev1.Secret {
	return corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "login", Namespace: "default", UID: "d3b07384-0000-4000-8000-000000000001"},
		Data:       map[string][]byte{"password": []byte("s3cr3t")}, Type: corev1.SecretTypeOpaque,
	}
}

func loginVolume(source corev1.SecretVolumeSource) corev1.VolumeSource {
	source.SecretName = loginSecret().Name
	return corev1.VolumeSource{Secret: &source}
}

// mount adds a volume to a pod, and mounts it in a container.
func mount(pod *corev1.Pod, c *corev1.Container, volume string, source corev1.VolumeSource) {
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: volume, VolumeSource: source})
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: volume, MountPath: "/" + volume})
}

// localPod returns the pod that a user creates. The name begins with a prefix.
func (p latePod) localPod(prefix string) *corev1.Pod {
	return shellPod(prefix+p.name, p.script, func(pod *corev1.Pod) {
		if p.change != nil {
			p.change(pod)
		}
	})
}

// newLateCluster returns a local cluster for late pods.
func newLateCluster(t *testing.T, plugin *pluginProcess) *simulatedCluster {
	t.Helper()
	l := newSimulatedCluster(t, changeLateRequests(t, plugin))
	l.Apply(interlink.Objects{Secrets: []corev1.Secret{loginSecret()}})
	return l
}

// changeLateRequests returns the address of a server that changes the requests which
// create late pods, and passes all requests on to a plugin.
func changeLateRequests(t *testing.T, plugin *pluginProcess) string {
	t.Helper()
	server := httptest.NewServer(&httputil.ReverseProxy{
		ErrorLog: log.New(io.Discard, "", 0), // the plugin may be down
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", strings.TrimPrefix(plugin.address, "unix://"))
		}},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "unix"
			if r.In.URL.Path == "/create" {
				if err := changeLateRequest(r.Out); err != nil {
					t.Error(err)
				}
			}
		},
	})
	t.Cleanup(server.Close)
	return server.URL
}

func changeLateRequest(r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var request wire.CreateRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return fmt.Errorf("decode a request of the simulated virtual kubelet: %w", err)
	}
	for _, p := range latePods {
		if p.request != nil && strings.HasSuffix(request.Pod.Name, "-"+p.name) {
			p.request(&request)
			if body, err = json.Marshal(request); err != nil {
				return err
			}
		}
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return nil
}
