package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// --play-nodes has an own selector, or that of the argument.
func TestPlayNodesSelector(t *testing.T) {
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"c": {Server: "http://127.0.0.1:1"}},
		Contexts:       map[string]*clientcmdapi.Context{"c": {Cluster: "c"}},
		CurrentContext: "c",
	}, kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flag string
		code int
		want string
	}{
		{"--play-nodes", 0, "no time  plain-pod"}, // nothing is played in real time
		{"--play-nodes=app=web", 0, "no time  plain-pod"},
		{"--play-nodes=a in", 2, "the selector of the pods that simulated nodes play"},
	} {
		var out bytes.Buffer
		args := []string{"replay", "--list", "--kubeconfig", kubeconfig, c.flag, "--run", "^plain-pod$"}
		if code := run(t.Context(), args, streams{nil, &out, &out, nil, nil}); code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: exit code %d\n%s", c.flag, code, &out)
		}
	}
}
