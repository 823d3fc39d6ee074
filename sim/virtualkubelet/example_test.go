package virtualkubelet_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// A plugin on a unix socket refuses a pod.
func Example() {
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	socket := filepath.Join(folder, "plugin.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		panic(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Println(r.Method, r.Host, r.URL.Path, r.Header.Get("Interlink-Http-Session"))
			_, _ = io.Copy(io.Discard, r.Body)
			http.Error(w, "no room", http.StatusTooManyRequests)
		})) // it ends with the listener
	}()

	kubelet, err := virtualkubelet.New(virtualkubelet.Config{Plugin: "unix://" + socket})
	if err != nil {
		panic(err)
	}
	defer kubelet.Close()
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}}}
	pod.Name = "hello"
	if err := kubelet.Create(context.Background(), pod); err != nil {
		fmt.Println(err)
	}
	fmt.Println(kubelet.Phases("hello"))
	// Output:
	// POST unix /create CreatePod#1
	// create of pod hello was answered 429: no room
	// [Pending Failed]
}
