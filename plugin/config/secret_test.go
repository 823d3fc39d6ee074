package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestSecretsAreNeverShown(t *testing.T) {
	const hidden = "hunter2"
	result, err := Parse([]string{
		"--k8s-kubeconfig={\"token\":\"" + hidden + "\"}",
		`--k8s-client-configuration={"proxy":"http://me:` + hidden + `@proxy:3128"}`,
		"--tcp-tunnel-gateway-ssh-private-key=" + hidden,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []any{result, *result, result.Config, &result.Config, result.Config.K8s.ClientConfiguration, *result.Config.K8s.ClientConfiguration,
		result.Config.K8s.Kubeconfig, result.Settings, result.Warnings} {
		var logged strings.Builder
		slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "value", value)
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "value", value)
		asJSON, _ := json.Marshal(value)
		asYAML, _ := yaml.Marshal(value)
		shown := fmt.Sprintf("%v %+v %#v %s %q %x %d", value, value, value, value, value, value, value) + logged.String() + string(asJSON) + string(asYAML)
		if strings.Contains(shown, hidden) || strings.Contains(shown, fmt.Sprintf("%x", hidden)) {
			t.Errorf("%T shows a secret: %s", value, shown)
		}
	}
	if got := result.Config.TCPTunnel.GatewaySSHPrivateKey.Reveal(); got != hidden+"\n" {
		t.Errorf("Reveal() = %q", got)
	}
	if got := fmt.Sprint(Secret("")); got != "" {
		t.Errorf("an empty secret shows as %q", got)
	}
}

// Options in which a site can write a secret, although they need none, are shown without it.
func TestWhatMayBeSecretIsMasked(t *testing.T) {
	for value, want := range map[string]string{
		"--mesh-install=apk add --repository https://me:hunter2@example.org bash":          "******** (a command of 56 characters)",
		"--mesh-install=" + installPrograms:                                                installPrograms,
		"--mesh-install=":                                                                  "",
		"--mesh-wg-url=https://example.org/wg?token=hunter2":                               "https://example.org/wg?********",
		"--mesh-wg-url=https://example.org/wg?t=hunter2#sha256=" + strings.Repeat("a", 64): "https://example.org/wg?********#sha256=" + strings.Repeat("a", 64),
		"--mesh-wireguard-go-url=https://example.org/w":                                    "https://example.org/w",
	} {
		result, err := Parse([]string{value}, nil)
		if err != nil {
			t.Fatal(err)
		}
		flag, _, _ := strings.Cut(value, "=")
		for _, setting := range result.Settings {
			if "--"+setting.Option.Flag() == flag && setting.Value != want {
				t.Errorf("%s is shown as %q, want %q", value, setting.Value, want)
			}
		}
	}
}
