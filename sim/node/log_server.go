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

// serveLogs starts the log endpoint of the kubelet and creates the Node with its
// address.
func (n *Nodes) serveLogs(ctx context.Context) (*http.Server, error) {
	certificate, err := selfSignedCertificate()
	if err != nil {
		return nil, err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", n.logs.serveHTTP)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener) //nolint:errcheck // it ends with Close, which returns the error
	if err := n.createNode(ctx, int32(listener.Addr().(*net.TCPAddr).Port)); err != nil {
		_ = server.Close() // err is the cause, and the caller gets it
		return nil, err
	}
	return server, nil
}

func (n *Nodes) createNode(ctx context.Context, port int32) error {
	nodes := n.options.Client.CoreV1().Nodes()
	node, err := nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.options.Name}}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) { // an earlier run did not delete it
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

func (n *Nodes) deleteNode(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := n.options.Client.CoreV1().Nodes().Delete(ctx, n.options.Name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete Node %s: %w", n.options.Name, err)
	}
	return nil
}

func (l *Logs) serveHTTP(w http.ResponseWriter, r *http.Request) {
	options, err := parseLogOptions(r.URL.Query())
	var stream io.ReadCloser
	if err == nil {
		options.Container = r.PathValue("container")
		stream, err = l.open(r.Context(), types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("pod")}, options)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, err.Error()) // fails only if the client has disconnected
		return
	}
	defer stream.Close() //nolint:errcheck // closing a reader loses no data
	controller, buffer := http.NewResponseController(w), make([]byte, 32<<10)
	w.WriteHeader(http.StatusOK)
	for controller.Flush() == nil {
		count, err := stream.Read(buffer)
		if _, writeErr := w.Write(buffer[:count]); writeErr != nil || err != nil {
			return
		}
	}
}

// parseLogOptions parses the query parameters of the kubelet's log endpoint.
func parseLogOptions(query url.Values) (*corev1.PodLogOptions, error) {
	o := &corev1.PodLogOptions{}
	var err error
	parseBool := func(name string, field *bool) {
		if text := query.Get(name); text != "" && err == nil {
			*field, err = strconv.ParseBool(text)
		}
	}
	parseInt := func(name string, field **int64) {
		if text := query.Get(name); text != "" && err == nil {
			var value int64
			value, err = strconv.ParseInt(text, 10, 64)
			*field = &value
		}
	}
	parseBool("follow", &o.Follow)
	parseBool("previous", &o.Previous)
	parseBool("timestamps", &o.Timestamps)
	parseInt("tailLines", &o.TailLines)
	parseInt("sinceSeconds", &o.SinceSeconds)
	parseInt("limitBytes", &o.LimitBytes)
	if text := query.Get("sinceTime"); text != "" && err == nil {
		var since time.Time
		since, err = time.Parse(time.RFC3339Nano, text)
		o.SinceTime = &metav1.Time{Time: since}
	}
	return o, err
}

// selfSignedCertificate returns a certificate for 127.0.0.1 that is valid for a year.
// By default, an API server does not verify the certificate of a kubelet.
func selfSignedCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
