package cluster

import (
	"encoding/pem"
	"net/http/httptest"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// connectTo returns a client of a test server, with the token "token". The API of the server is
// below a path.
func connectTo(t *testing.T, server *httptest.Server, path string) *Client {
	t.Helper()
	client, err := Connect(config.K8s{Kubeconfig: config.Secret(kubeconfigOf(t, server, path, "token"))}, "test")
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// kubeconfigOf returns a kubeconfig for a test server.
func kubeconfigOf(t *testing.T, server *httptest.Server, path, token string) string {
	t.Helper()
	cluster := &clientcmdapi.Cluster{Server: server.URL + path}
	if certificate := server.Certificate(); certificate != nil {
		cluster.CertificateAuthorityData = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	}
	text, err := clientcmd.Write(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"c": cluster},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"u": {Token: token}},
		Contexts:       map[string]*clientcmdapi.Context{"c": {Cluster: "c", AuthInfo: "u"}},
		CurrentContext: "c",
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
