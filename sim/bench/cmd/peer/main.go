// Command peer is the process with which package bench compares the plugin's answers to status calls. It
// serves two handlers on a unix socket:
//
//   - /echo reads the body and writes as many bytes as the parameter size says.
//   - /status answers as the plugin did when it decoded whole pods with encoding/json. The remote pods are
//     read once, at the start.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func main() {
	// flag.CommandLine has other flags, from imported packages.
	flags := flag.NewFlagSet("peer", flag.ExitOnError)
	socket := flags.String("socket", "", "the `path` of the unix socket")
	kubeconfig := flags.String("kubeconfig", "", "the `path` of the file for the API server")
	_ = flags.Parse(os.Args[1:]) // it exits if there is an error
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *socket, *kubeconfig)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, socket, kubeconfig string) error {
	pods, err := remotePods(ctx, kubeconfig)
	if err != nil {
		return fmt.Errorf("list the remote pods: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/status", pods.status)
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", socket)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}

func echo(w http.ResponseWriter, r *http.Request) {
	size, err := strconv.Atoi(r.URL.Query().Get("size"))
	if err != nil || size < 0 {
		http.Error(w, "size is not a number of bytes", http.StatusBadRequest)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = w.Write(make([]byte, size)) // the caller would miss it
}

// podsByUID are remote pods by the UID of the local pod.
type podsByUID map[string]*corev1.Pod

func remotePods(ctx context.Context, kubeconfig string) (podsByUID, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	list, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{LabelSelector: wire.LabelOffloading + "=" + wire.Offloading})
	if err != nil {
		return nil, err
	}
	pods := podsByUID{}
	for i := range list.Items {
		pod := &list.Items[i]
		pods[pod.Labels[wire.LabelPodUID]] = status.CachedFields(pod).DeepCopy() // keeps nothing of the list
	}
	return pods, nil
}

func (p podsByUID) status(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var requested []corev1.Pod
	if err == nil {
		err = json.Unmarshal(body, &requested)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer := make([]wire.PodStatus, 0, len(requested))
	for i := range requested {
		answer = append(answer, status.Of(&requested[i], p[string(requested[i].UID)]))
	}
	_ = json.NewEncoder(w).Encode(answer) // the caller checks the answer
}
