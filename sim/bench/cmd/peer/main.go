// Command peer is the process with which package bench compares the plugin. It serves on a unix socket, as
// the plugin does:
//
//   - /echo reads the body and writes as many bytes as the parameter size says.
//   - /status answers as the plugin did when it decoded whole pods with encoding/json. The remote pods are
//     read once, for the first call.
//   - /create and /delete are the bare client-go loop: they decode the body with encoding/json, and create
//     the objects or delete the pod.
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
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/bench/bare"
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
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := bare.NewClient(config)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/status", statuses{sync.OnceValues(func() (podsByUID, error) { return remotePods(ctx, client) })}.serve)
	mux.HandleFunc("/create", loop{client}.create)
	mux.HandleFunc("/delete", loop{client}.delete)
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

// decode decodes the body of a request.
func decode(r *http.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
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

func remotePods(ctx context.Context, client kubernetes.Interface) (podsByUID, error) {
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

// statuses answers status calls.
type statuses struct{ pods func() (podsByUID, error) }

func (s statuses) serve(w http.ResponseWriter, r *http.Request) {
	var requested []corev1.Pod
	err := decode(r, &requested)
	var pods podsByUID
	if err == nil {
		pods, err = s.pods()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer := make([]wire.PodStatus, 0, len(requested))
	for i := range requested {
		answer = append(answer, status.Of(&requested[i], pods[string(requested[i].UID)]))
	}
	_ = json.NewEncoder(w).Encode(answer) // the caller checks the answer
}
