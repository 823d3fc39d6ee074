package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The program takes over what can be reloaded, at SIGHUP and when its file has changed: the log level, the policy, the rules for
// placement and claims, the number of pods and the maintenance. A file with mistakes changes nothing.
func TestReloadsItsConfiguration(t *testing.T) {
	server := apiserver.ForTest(t)
	folder, socket := testkit.ShortFolder(t), testkit.SocketPath(t)
	prefix := fmt.Sprintf("r%08x", rand.Uint32())
	file, placement, claims := filepath.Join(folder, "config.ini"), filepath.Join(folder, "placement.yaml"), filepath.Join(folder, "claims.yaml")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	options := func(app, level, namespaces string) string {
		return "[app]\n" + app + "\n[log]\nlevel=" + level + "\n[offloading]\nnode_pods=5\nnamespaces=" + namespaces + "\nplacement=" + placement + "\nclaims=" + claims + "\n"
	}
	write(file, options("", "INFO", "one"))
	write(placement, "rules: [{nodeSelector: {pool: one}}]")
	write(claims, "[{claims: [none], remote: none}]")
	// What flags and variables say stays.
	cmd := exec.Command(os.Args[0], "--config="+file, "--k8s-kubeconfig-path="+kubeconfig(t, server.Kubeconfig()), "--app-socket-address=unix://"+socket, "--offloading-namespace-prefix="+prefix)
	cmd.Env = append(os.Environ(), "RUN_THE_PROGRAM=1", "OFFLOADING_NODE_PODS=7")
	program := testkit.StartProcess(t, cmd)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(program.Output())
		}
	})
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	ping(t, client)
	call := func(path string, body any) (int, string) {
		t.Helper()
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://unix"+path, bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		said, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(said)
	}
	offers := func(pods string) {
		t.Helper()
		testkit.Eventually(t, "the ping offers "+pods+" pods", func() bool {
			code, said := call("/status", []corev1.Pod{})
			return code == http.StatusOK && strings.Contains(said, `"pods":"`+pods+`"`)
		})
	}
	logged := func(text string) {
		t.Helper()
		testkit.Eventually(t, "the log has "+text, func() bool { return strings.Contains(program.Output(), text) })
	}
	hangup := func() {
		t.Helper()
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	pod := wire.CreateRequest{Pod: corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "two", UID: types.UID(prefix)}}}
	pod.Pod.Spec.Containers = []corev1.Container{{Name: "main", Image: "busybox", VolumeMounts: []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}}}
	pod.Pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}}}
	offers("7")
	if code, said := call("/create", pod); code == http.StatusOK {
		t.Fatalf("a pod of another namespace is created: %s", said)
	}

	write(placement, "rules: [{nodeSelector: {pool: two}}]")
	write(claims, "[{remote: site-data, create: {storage: 1Gi}}]")
	write(file, options("", "DEBUG", "two"))
	hangup()
	logged(`"cause":"SIGHUP"`)
	if code, said := call("/create", pod); code != http.StatusOK {
		t.Fatalf("the create is answered %d %s", code, said)
	}
	remote, err := server.Client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{LabelSelector: scope.PodSelector(prefix)})
	if err != nil || len(remote.Items) != 1 {
		t.Fatalf("%d remote pods, %v", len(remote.Items), err)
	}
	if spec := remote.Items[0].Spec; spec.NodeSelector["pool"] != "two" || spec.Volumes[0].PersistentVolumeClaim.ClaimName != "site-data" {
		t.Errorf("the node selector is %v, and the volumes are %v", spec.NodeSelector, spec.Volumes)
	}
	call("/status", []corev1.Pod{})
	logged(`"level":"DEBUG"`)

	write(file, options("maintenance=perhaps", "DEBUG", "two"))
	logged("the configuration is not reloaded")
	offers("7")
	write(file, options("maintenance=true", "DEBUG", "two")) // without a signal
	offers("0")
	pod.Pod.Name, pod.Pod.UID = "q", types.UID(prefix+"-q")
	created := make(chan string, 1)
	go func() {
		code, said := call("/create", pod)
		created <- fmt.Sprintf("%d %s", code, said)
	}()
	testkit.Eventually(t, "the pod waits", func() bool {
		code, said := call("/status", []corev1.Pod{pod.Pod})
		return code == http.StatusOK && strings.Contains(said, "RemoteMaintenance")
	})
	write(file, options("instance=other", "DEBUG", "two"))
	hangup()
	if answer := testkit.Receive(t, "the answer to the create", created); !strings.HasPrefix(answer, "200 ") {
		t.Errorf("after the maintenance, the create is answered %s", answer)
	}
	offers("7")
	logged(`"option":"[app] instance"`)
	program.Terminate()
	if code, output := program.Wait(); code != 0 {
		t.Errorf("the program ends with %d\n%s", code, output)
	}
}
