package plugin_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Helm uses the connection of the plugin: its requests pass the same layers, and their answers are
// believed.
func TestTunnelsUseTheConnection(t *testing.T) {
	server := apiserver.ForTest(t)
	cfg := config.Defaults()
	cfg.K8s.Kubeconfig, cfg.K8s.KubeconfigPath = config.Secret(server.Kubeconfig()), ""
	cfg.TCPTunnel = config.TCPTunnel{
		Enabled: true, BastionNamespace: server.Namespace(t), GatewayHost: "gateway.example.org", GatewayPort: 30222, GatewayUser: "interlink-user",
		GatewaySSHPrivateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----\n",
	}
	client, err := plugin.Connect(cfg, "test")
	if err != nil {
		t.Fatal(err)
	}
	tunnels, err := plugin.ConnectTunnels(cfg, client, testkit.NewLog(t).Logger())
	if err != nil {
		t.Fatal(err)
	}
	const uid = "92030190-ca03-4864-a97c-dabccaa67f8e"
	if err := tunnels.Open(t.Context(), "bastion-8080-"+uid, map[string]string{wire.LabelTunnelUID: uid}, 8080, "target.svc"); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Client.AppsV1().Deployments(cfg.TCPTunnel.BastionNamespace).Get(t.Context(), "bastion-8080-"+uid, metav1.GetOptions{}); err != nil {
		t.Errorf("the tunnel is not open: %v", err)
	}
	if err := tunnels.Close(t.Context(), scope.TunnelSelector(uid)); err != nil {
		t.Error(err)
	}
}
