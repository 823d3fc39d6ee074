package config

import (
	"slices"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	seen := map[string]string{}
	for _, option := range table {
		for _, name := range []string{option.Name(), option.Env(), option.Flag()} {
			if other, twice := seen[name]; twice {
				t.Errorf("%s is a name of both %s and %s", name, other, option.Name())
			}
			seen[name] = option.Name()
		}
		if strings.ContainsAny(option.Help, "\n`") || !strings.HasSuffix(option.Help, ".") {
			t.Errorf("the help of %s must be one line that ends with a full stop: %q", option.Name(), option.Help)
		}
		if option.Required && (option.Default == "" || option.Kind != Text) {
			t.Errorf("%s is required, so it must be a text with a default", option.Name())
		}
	}
	for _, option := range table {
		if (option.Kind == Choice) != (len(option.Choices) > 1) || option.Kind == Choice && !slices.Contains(option.Choices, option.Default) {
			t.Errorf("%s has kind %s, the choices %q and the default %q", option.Name(), option.Kind, option.Choices, option.Default)
		}
		for _, value := range option.Choices {
			if err := option.set.parse(new(Config), value); err != nil {
				t.Errorf("%s does not accept %s: %v", option.Name(), value, err)
			}
		}
	}
	Defaults() // panics if a default does not pass its check
}

func TestNames(t *testing.T) {
	option := Option{Section: "tcp_tunnel", Key: "gateway_host"}
	if got, want := option.Name()+" "+option.Env()+" "+option.Flag(), "[tcp_tunnel] gateway_host TCP_TUNNEL_GATEWAY_HOST tcp-tunnel-gateway-host"; got != want {
		t.Errorf("names are %q, want %q", got, want)
	}
}
