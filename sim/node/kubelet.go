package node

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// serveLogs starts the kubelet's log endpoint and registers its Node.
func (n *Nodes) serveLogs(ctx context.Context) (*http.Server, error) {
	certificate, err := selfSigned()
	if err != nil {
		return nil, err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", n.logs.serve)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener) //nolint:errcheck // it ends with Close, and says so
	if err := n.register(ctx, int32(listener.Addr().(*net.TCPAddr).Port)); err != nil {
		_ = server.Close() // the other failure says more
		return nil, err
	}
	return server, nil
}

func (n *Nodes) register(ctx context.Context, port int32) error {
	nodes := n.options.Client.CoreV1().Nodes()
	node, err := nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.options.Name}}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) { // of an earlier run
		node, err = nodes.Get(ctx, n.options.Name, metav1.GetOptions{})
	}
	if err != nil {
		return err
	}
	node.Status = corev1.NodeStatus{
		Addresses:       []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: port}},
		Conditions:      []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady"}},
	}
	_, err = nodes.UpdateStatus(ctx, node, metav1.UpdateOptions{})
	return err
}

// deregister takes the Node away again.
func (n *Nodes) deregister(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := n.options.Client.CoreV1().Nodes().Delete(ctx, n.options.Name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("take away Node %s: %w", n.options.Name, err)
	}
	return nil
}

func (l *Logs) serve(w http.ResponseWriter, r *http.Request) {
	options, err := logOptions(r.URL.Query())
	var stream io.ReadCloser
	if err == nil {
		options.Container = r.PathValue("container")
		stream, err = l.open(r.Context(), types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("pod")}, options)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, err.Error()) // a failure has nobody to be told
		return
	}
	defer stream.Close() //nolint:errcheck // a reader's
	flusher, buffer := http.NewResponseController(w), make([]byte, 32<<10)
	w.WriteHeader(http.StatusOK)
	for flusher.Flush() == nil {
		count, err := stream.Read(buffer)
		if _, failed := w.Write(buffer[:count]); failed != nil || err != nil {
			return
		}
	}
}

// logOptions are a kubelet's query parameters.
func logOptions(query url.Values) (*corev1.PodLogOptions, error) {
	o := &corev1.PodLogOptions{}
	var failed error
	flag := func(name string, field *bool) {
		if text := query.Get(name); text != "" && failed == nil {
			*field, failed = strconv.ParseBool(text)
		}
	}
	number := func(name string, field **int64) {
		if text := query.Get(name); text != "" && failed == nil {
			var value int64
			value, failed = strconv.ParseInt(text, 10, 64)
			*field = &value
		}
	}
	flag("follow", &o.Follow)
	flag("previous", &o.Previous)
	flag("timestamps", &o.Timestamps)
	number("tailLines", &o.TailLines)
	number("sinceSeconds", &o.SinceSeconds)
	number("limitBytes", &o.LimitBytes)
	if text := query.Get("sinceTime"); text != "" && failed == nil {
		var at time.Time
		at, failed = time.Parse(time.RFC3339Nano, text)
		o.SinceTime = &metav1.Time{Time: at}
	}
	return o, failed
}

// selfSigned is a certificate for a year: API servers do not check a kubelet's
// unless told to.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	text, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{text}, PrivateKey: key}, err
}
