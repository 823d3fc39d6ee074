package mesh

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shellUnsafe are the characters with a meaning of their own in a shell or a URL. No value
// may hold one.
const shellUnsafe = " \t\r\n\x00'\"`$\\;&|<>(){}[]*?!#%@^,"

// FuzzReadValues checks that whatever a pod's script contains, it is refused, or its values
// are plain.
func FuzzReadValues(f *testing.F) {
	template := siteTemplate
	f.Add(fillIn(f, template, nil))
	for variable := range siteValues {
		for _, value := range []string{"", "$(id)", "a b", "'", "\n", "-x", "10.0.0.1", "0"} {
			f.Add(fillIn(f, template, map[string]string{variable: value}))
		}
	}
	texts := []Text{newSiteText(f)}
	f.Fuzz(func(t *testing.T, script string) {
		values, err := ReadValues(script, texts)
		if err != nil {
			if diff := cmp.Diff(Values{}, values, compareAddresses); diff != "" {
				t.Errorf("values beside an error:\n%s", diff)
			}
			return
		}
		for name, value := range map[string]string{
			"interface": values.Interface, "password": values.Password, "host": values.Ingress.Host, "URL": values.Ingress.URL(),
			"private key": values.WireGuard.PrivateKey, "public key": values.WireGuard.PublicKey, "DNS": values.DNS.String(),
		} {
			if value == "" || strings.ContainsAny(value, shellUnsafe) || value[0] == '-' {
				t.Errorf("%s is %q", name, value)
			}
			for _, c := range value {
				if c < ' ' || c > '~' {
					t.Errorf("%s is %q", name, value)
				}
			}
		}
		for _, route := range values.Routes {
			if !route.IsValid() || route.Bits() == 0 {
				t.Errorf("route %s", route)
			}
		}
	})
}

// FuzzWireGuard checks that the configuration that the plugin writes means what it has
// read, and has no keys that it does not know.
func FuzzWireGuard(f *testing.F) {
	f.Add(wireGuardConfig)
	f.Add(strings.Replace(wireGuardConfig, "[Peer]", "PostUp = id\n[Peer]", 1))
	f.Add("[Interface]\n[Peer]\nPresharedKey=" + keyB)
	f.Fuzz(func(t *testing.T, config string) {
		w, err := parseWireGuard(config)
		if err != nil {
			if strings.Contains(err.Error(), keyA) {
				t.Errorf("the error contains a key: %v", err)
			}
			return
		}
		again, err := parseWireGuard(w.Config())
		if err != nil {
			t.Fatalf("%v:\n%s", err, w.Config())
		}
		if diff := cmp.Diff(w, again, compareAddresses); diff != "" {
			t.Errorf("(-read +written and read)\n%s", diff)
		}
		for line := range strings.Lines(w.Config()) {
			name, _, found := strings.Cut(strings.TrimSpace(line), " = ")
			if found && !strings.Contains(" PrivateKey PublicKey PresharedKey AllowedIPs Endpoint PersistentKeepalive ", " "+name+" ") {
				t.Errorf("line %q", line)
			}
		}
	})
}
