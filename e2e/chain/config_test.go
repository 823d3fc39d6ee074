package chain

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

// fakePrograms creates a folder with two files that have the names of InterLink's programs.
func fakePrograms(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{interlinkProgram, kubeletProgram} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestValidate(t *testing.T) {
	valid := Config{
		BinDir: fakePrograms(t), WorkDir: t.TempDir(), HostAddress: "172.18.0.1",
		Plugin: "unix:///run/plugin.sock", NodeName: "vnode",
	}
	if err := valid.validate(); err != nil {
		t.Errorf("a valid configuration: %v", err)
	}
	err := Config{BinDir: t.TempDir(), WorkDir: "/tmp/../tmp", HostAddress: "somewhere", Plugin: "https://plugin", NodeName: "V", Network: &Network{ScriptTemplate: "no-script"}}.validate()
	if err == nil {
		t.Fatal("validate accepts an invalid configuration")
	}
	for _, want := range []string{"no program interlink", "no program virtual-kubelet", "WorkDir", "HostAddress", "Plugin", "NodeName", "no-script"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not contain %q:\n%v", want, err)
		}
	}
}

func TestSplitPlugin(t *testing.T) {
	for _, test := range []struct{ address, url, port string }{
		{"unix:///run/plugin.sock", "unix:///run/plugin.sock", "0"},
		{"http://127.0.0.1:4000", "http://127.0.0.1", "4000"},
		{"http://[::1]:4000", "http://[::1]", "4000"},
		{"unix://plugin.sock", "", ""},
		{"http://127.0.0.1", "", ""},
		{"http://127.0.0.1:4000/path", "", ""},
		{"https://127.0.0.1:4000", "", ""},
		{"", "", ""},
	} {
		url, port, err := splitPlugin(test.address)
		if url != test.url || port != test.port || (err == nil) != (test.url != "") {
			t.Errorf("splitPlugin(%q) returns %q, %q, %v", test.address, url, port, err)
		}
	}
}

func TestNetworkConfiguration(t *testing.T) {
	config := Config{WorkDir: "/work", HostAddress: "172.18.0.1", Plugin: "http://127.0.0.1:4000", NodeName: "vnode"}
	for _, network := range []*Network{nil, {FullMesh: true, ScriptTemplate: "script", ServerTemplate: "server", WildcardDNS: "example.org", PodCIDR: "10.244.0.0/16", ServiceCIDR: "10.96.0.0/16", DNSServiceIP: "10.96.0.10", Wg: "http://wg"}} {
		config.Network = network
		text, err := config.kubeletYAML(ports{}, "https://10.0.0.1:6443")
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Network map[string]any }
		if err := yaml.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]any(nil)
		if network != nil {
			want = map[string]any{"FullMesh": true, "EnableTunnel": false, "MeshScriptTemplatePath": "script", "WstunnelTemplatePath": "server", "WildcardDNS": "example.org",
				"PodCIDRCluster": "10.244.0.0/16", "ServiceCIDR": "10.96.0.0/16", "DNSServiceIP": "10.96.0.10", "WgToolURL": "http://wg"}
		}
		if diff := cmp.Diff(want, got.Network); diff != "" {
			t.Error(diff)
		}
	}
}

// The virtual kubelet must find the InterLink API server, and that one the plugin.
func TestConfigurationsAgree(t *testing.T) {
	config := Config{WorkDir: "/work", HostAddress: "172.18.0.1", Plugin: "http://127.0.0.1:4000", NodeName: "vnode"}
	p := ports{interlink: 13000, kubelet: 15820}
	decode := func(text []byte, err error) map[string]any {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var values map[string]any
		if err := yaml.Unmarshal(text, &values); err != nil {
			t.Fatal(err)
		}
		return values
	}
	interlink, kubelet := decode(config.interlinkYAML(p)), decode(config.kubeletYAML(p, "https://10.0.0.1:6443"))
	for _, pair := range [][2]any{
		{interlink["InterlinkAddress"], kubelet["InterlinkURL"]},
		{interlink["InterlinkPort"], kubelet["InterlinkPort"]},
		{interlink["InterlinkPort"], "13000"}, // InterLink reads ports as text
		{interlink["SidecarURL"], "http://127.0.0.1"},
		{interlink["SidecarPort"], "4000"},
		{interlink["DataRootFolder"], "/work/interlink-data"},
		{kubelet["VKTokenFile"], "/work/virtual-kubelet.token"},
		{kubelet["DisableCSR"], true},
		// What the plugin's documents recommend (docs/field-mapping.md#variables).
		{kubelet["SkipDownwardAPIResolution"], true},
		{kubelet["KubernetesApiAddr"], "10.0.0.1"},
		{kubelet["KubernetesApiPort"], "6443"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("the configuration has %v, want %v", pair[0], pair[1])
		}
	}
	env := strings.Join(config.kubeletEnv(p), " ")
	for _, want := range []string{"NODENAME=vnode", "POD_IP=172.18.0.1", "KUBELET_PORT=15820", "KUBECONFIG=/work/", "CONFIGPATH=/work/"} {
		if !strings.Contains(env, want) {
			t.Errorf("the environment %s does not contain %s", env, want)
		}
	}
}

func TestFreePortsDiffer(t *testing.T) {
	p, err := freePorts("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if p.interlink == 0 || p.kubelet == 0 || p.interlink == p.kubelet {
		t.Errorf("the ports are %v", p)
	}
	if _, err := freePorts("192.0.2.1"); err == nil || !strings.Contains(err.Error(), "192.0.2.1") {
		t.Errorf("an address of another host: %v", err)
	}
}

func TestVirtualKubeletHasOwnCredentials(t *testing.T) {
	l := &localCluster{config: &rest.Config{
		Host:            "https://127.0.0.1:6443",
		TLSClientConfig: rest.TLSClientConfig{CAData: []byte("authority"), CertData: []byte("administrator"), KeyData: []byte("key")},
	}}
	text, err := l.kubeconfig("t0ken")
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(text)
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != l.config.Host || config.BearerToken != "t0ken" || string(config.CAData) != "authority" {
		t.Errorf("the kubeconfig is %s", text)
	}
	if len(config.CertData)+len(config.KeyData) != 0 {
		t.Error("the kubeconfig contains the administrator's certificate")
	}
}

func TestReadySince(t *testing.T) {
	started := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	for _, test := range []struct {
		status corev1.ConditionStatus
		report time.Time
		want   bool
	}{
		{corev1.ConditionTrue, started.Truncate(time.Second), true}, // in the same second
		{corev1.ConditionTrue, started.Add(time.Second), true},
		{corev1.ConditionTrue, started.Add(-time.Second), false}, // from the virtual kubelet that was killed
		{corev1.ConditionFalse, started.Add(time.Second), false},
	} {
		node := &corev1.Node{Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{
			{Type: corev1.NodeDiskPressure, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.NewTime(started.Add(time.Hour))},
			{Type: corev1.NodeReady, Status: test.status, LastHeartbeatTime: metav1.NewTime(test.report)},
		}}}
		t.Run(fmt.Sprint(test.status, " ", test.report.Sub(started)), func(t *testing.T) {
			if got := readySince(node, started); got != test.want {
				t.Errorf("readySince returns %v", got)
			}
		})
	}
	if readySince(&corev1.Node{}, started) {
		t.Error("a node without conditions is ready")
	}
}
