package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// statusBody returns the body of a status request for a number of pods: the recorded
// pods in turn, each with a UID of its own.
func statusBody(b *testing.B, count int) []byte {
	b.Helper()
	var recorded [][]byte
	for _, recording := range testkit.Recordings(b) {
		var pods []json.RawMessage
		if recording.Path != "/status" {
			continue
		}
		if err := json.Unmarshal(recording.Body, &pods); err != nil {
			b.Fatal(err)
		}
		for _, pod := range pods {
			var compact bytes.Buffer
			if err := json.Compact(&compact, pod); err != nil { // InterLink sends it so
				b.Fatal(err)
			}
			recorded = append(recorded, compact.Bytes())
		}
	}
	body := []byte{'['}
	for i := range count {
		pod := recorded[i%len(recorded)]
		at := bytes.Index(pod, []byte(`"uid":"`)) + len(`"uid":"`)
		body = append(body, pod[:at]...)
		body = append(body, fmt.Sprintf("%08d", i)...)
		body = append(body, pod[at+8:]...)
		body = append(body, ',')
	}
	body[len(body)-1] = ']'
	return body
}

// BenchmarkStatusDecode compares the decoder of status requests with the one that it
// replaced: whole pods, by encoding/json.
func BenchmarkStatusDecode(b *testing.B) {
	const count = 500
	body := statusBody(b, count)
	for _, decoder := range []struct {
		name   string
		decode func([]byte, *[]corev1.Pod) error
	}{
		{"whole-pods", func(body []byte, pods *[]corev1.Pod) error { return json.Unmarshal(body, pods) }},
		{"read-fields", decodeStatus},
	} {
		b.Run(decoder.name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			cpu := cpuTime(b)
			for b.Loop() {
				var pods []corev1.Pod
				if err := decoder.decode(body, &pods); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N)/count, "cpu-ns/pod")
		})
	}
}

// remotePods is a Lifecycle that reports the status of pods in a map.
type remotePods struct {
	*fake
	pods map[types.UID]*corev1.Pod
}

func (l *remotePods) Status(_ context.Context, pods []corev1.Pod) ([]wire.PodStatus, error) {
	answer := make([]wire.PodStatus, 0, len(pods))
	for i := range pods {
		answer = append(answer, status.Of(&pods[i], l.pods[pods[i].UID]))
	}
	return answer, nil
}

// newRemotePods returns the remote pods for the local pods of a status request: as a
// kubelet reports them, with the containers of the local pod.
func newRemotePods(b *testing.B, body []byte) *remotePods {
	b.Helper()
	var local []corev1.Pod
	if err := json.Unmarshal(body, &local); err != nil {
		b.Fatal(err)
	}
	lifecycle := &remotePods{fake: new(fake), pods: map[types.UID]*corev1.Pod{}}
	for i := range local {
		remote := testkit.RemotePod(i, map[string]string{wire.LabelPodUID: string(local[i].UID)})
		likeKubelet := remote.Status.ContainerStatuses[0]
		remote.Spec.InitContainers, remote.Spec.Containers, remote.Status.ContainerStatuses = local[i].Spec.InitContainers, local[i].Spec.Containers, nil
		for _, c := range local[i].Spec.Containers {
			likeKubelet.Name = c.Name
			remote.Status.ContainerStatuses = append(remote.Status.ContainerStatuses, likeKubelet)
		}
		lifecycle.pods[local[i].UID] = status.CachedFields(remote)
	}
	return lifecycle
}

// BenchmarkStatus compares whole status calls over a unix socket, with one pod and with
// 5,000 pods in a call, with handlers on the same server: "echo" reads the body and
// writes an answer of the same size; "whole-pods" decodes whole pods with encoding/json,
// as the plugin did before, and answers like the plugin.
func BenchmarkStatus(b *testing.B) {
	for _, count := range []int{1, 5000} {
		b.Run(fmt.Sprintf("pods=%d", count), func(b *testing.B) {
			body := statusBody(b, count)
			client := benchServer(b, newRemotePods(b, body), body)
			for _, path := range []string{"/echo", "/whole-pods", "/status"} {
				b.Run(path[1:], func(b *testing.B) { benchCalls(b, client, path, body, count) })
			}
		})
	}
}

// benchCalls sends one call after the other, as InterLink does.
func benchCalls(b *testing.B, client *http.Client, path string, body []byte, pods int) {
	b.ReportAllocs()
	var times []time.Duration
	cpu := cpuTime(b)
	for b.Loop() {
		start := time.Now()
		sendBody(b, client, path, body)
		times = append(times, time.Since(start))
	}
	b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N)/float64(pods), "cpu-ns/pod")
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds()), "p99-ns")
}

// cpuTime returns the processor time of this process, in nanoseconds. On a machine that
// does other work too, it says more than the time that passed. It contains the client.
func cpuTime(b *testing.B) int64 {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func sendBody(b *testing.B, client *http.Client, path string, body []byte) int64 {
	b.Helper()
	response, err := client.Post("http://unix"+path, "application/json", bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	size, err := io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	if err != nil || response.StatusCode != http.StatusOK {
		b.Fatal(response.Status, err)
	}
	return size
}

// benchServer serves the API and its peers on one unix socket, and returns a client.
func benchServer(b *testing.B, lifecycle Lifecycle, body []byte) *http.Client {
	b.Helper()
	defaults := config.Defaults().App
	defaults.MaxBody = max(defaults.MaxBody, int64(len(body)))
	server, err := New(Options{App: defaults, Lifecycle: lifecycle})
	if err != nil {
		b.Fatal(err)
	}
	// The size of the answer is known after one call.
	var answer []byte
	mux := http.NewServeMux()
	mux.Handle("/", server.Handler())
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			b.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	})
	mux.HandleFunc("/whole-pods", func(w http.ResponseWriter, r *http.Request) {
		var pods []corev1.Pod
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &pods)
		}
		if err != nil {
			b.Error(err)
		}
		statuses, _ := lifecycle.Status(r.Context(), pods)
		_ = json.NewEncoder(w).Encode(statuses)
	})
	listener, err := net.Listen("unix", testkit.SocketPath(b))
	if err != nil {
		b.Fatal(err)
	}
	api := server.httpServer(b.Context(), mux)
	go func() { _ = api.Serve(listener) }()
	b.Cleanup(func() { _ = api.Close() })
	transport := &http.Transport{DisableCompression: true}
	transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", listener.Addr().String())
	}
	client := &http.Client{Transport: transport}
	b.Cleanup(transport.CloseIdleConnections)
	answer = []byte(strings.Repeat("x", int(sendBody(b, client, "/status", body))))
	return client
}
