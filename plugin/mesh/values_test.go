package mesh

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var compareAddresses = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}, netip.AddrPort{})

func TestReadValues(t *testing.T) {
	got, err := ReadValues(fillIn(t, siteTemplate, nil), []Text{newSiteText(t)})
	if err != nil {
		t.Fatal(err)
	}
	prefix := netip.MustParsePrefix
	want := Values{
		Interface: "wgaa15f82b-4992", Ingress: Server{"ws", "pod.tunnels.example.org", 80}, Password: "0123456789abcdef",
		DNS: netip.MustParseAddr("10.96.0.10"), MTU: 1280, Routes: []netip.Prefix{prefix("10.244.0.0/16"), prefix("10.96.0.0/16")},
		WireGuard: WireGuard{
			PrivateKey: keyA, PublicKey: keyB, AllowedIPs: []netip.Prefix{prefix("10.7.0.1/32"), prefix("10.0.0.0/8")},
			Endpoint: netip.MustParseAddrPort("127.0.0.1:51821"), Keepalive: 25,
		},
	}
	if diff := cmp.Diff(want, got, compareAddresses); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got.Ingress.URL() != "ws://pod.tunnels.example.org:80" {
		t.Errorf("URL %s", got.Ingress.URL())
	}
}

func TestReadValuesOfAnUnknownScript(t *testing.T) {
	for _, script := range []string{"", "#!/bin/sh\nid\n", fillIn(t, siteTemplate, nil)} {
		if _, err := ReadValues(script, nil); err == nil || !strings.Contains(err.Error(), "none that the plugin knows") {
			t.Errorf("error %v for the script\n%s", err, script)
		}
	}
}

// TestValues gives each value in turn, in a text that the plugin knows.
func TestValues(t *testing.T) {
	const secret = "c2VjcmV0"
	for variable, values := range map[string]struct{ valid, refused []string }{
		variableInterface: {
			[]string{"wg0", "wgaa15f82b-4992"},
			[]string{"eth0", "lo", "", "wg0 up", "wg$(id)", "wg0;id", "wg`id`", "wg/../x", "-wg0", "wg0123456789abcd", "wg0\nid", "wg0'"},
		},
		variablePassword: {
			[]string{"0123456789abcdef0123456789abcdef", "A-b_c.d~e"},
			[]string{"", "-R", "--log-lvl", "a b", "a'b", `a"b`, "a$b", "$(id)", "`id`", "a\nb", "a;b", "a/b", "a&b", "a\\b", "ä", "a\x00b", strings.Repeat("a", 257)},
		},
		variableDNS: {
			[]string{"10.96.0.10", "192.168.0.1"},
			[]string{"", "10.96.0", "10.96.0.10 ", "10.96.0.10/32", "fd00::1", "127.0.0.1", "0.0.0.0", "224.0.0.1", "10.96.0.010", "10.96.0.10; id", "dns.example.org", "::ffff:10.0.0.1"},
		},
		variableIngress: {
			[]string{"pod.tunnels.example.org", "10.1.2.3", "pod-name-wstunnel"},
			[]string{"", "-h", "a b", "$(id)", "a;b", "a/b", "a:80", "user@host", "host#", "A.example.org", "1.2.3", "127.1", "1.2.3.4.5", "..", "a..b", "[::1]", "a\nb", "host?x", strings.Repeat("a.", 127) + "a"},
		},
		variableMTU: {
			[]string{"576", "1280", "65535"},
			[]string{"", "0", "575", "65536", "-1", "+1280", "1280 ", "0x500", "1e3", "1_280", "99999999999999999999", "1280;id"},
		},
		variablePods: {
			[]string{"10.244.0.0/16", "10.0.0.1/8", ""},
			[]string{"0.0.0.0/0", "10.0.0.0", "10.0.0.0/33", "fd00::/64", "127.0.0.0/8", "10.0.0.0/8 dev eth0", "224.0.0.0/4", "$(id)/8", "10.0.0.0/8,10.1.0.0/16"},
		},
		variableServices: {[]string{"10.96.0.0/16"}, []string{"default", "0/0"}},
		"WgToolURL":      {[]string{"$(id)", "file:///etc/passwd", "x; id"}, nil}, // the plugin does not use it
	} {
		for _, value := range values.valid {
			if _, err := ReadValues(fillIn(t, siteTemplate, map[string]string{variable: value}), []Text{newSiteText(t)}); err != nil {
				t.Errorf("%s=%q: %v", variable, value, err)
			}
		}
		for _, value := range append(values.refused, secret+" '") {
			if values.refused == nil {
				break
			}
			_, err := parseValues(func() map[string]string { v := cloneValues(); v[variable] = value; return v }())
			if err == nil || !strings.Contains(err.Error(), "the value of "+variable+" in the mesh script is refused: ") {
				t.Errorf("%s=%q: error %v", variable, value, err)
			} else if strings.Contains(err.Error(), secret) {
				t.Errorf("the error contains the value: %v", err)
			}
		}
	}
}

func cloneValues() map[string]string {
	clone := map[string]string{}
	for name, value := range siteValues {
		clone[name] = value
	}
	return clone
}

// Later versions of InterLink say how the ingress is reached.
func TestValuesOfTheIngress(t *testing.T) {
	values := cloneValues()
	values[variableScheme], values[variablePort] = "wss", "443"
	got, err := parseValues(values)
	if err != nil || got.Ingress.URL() != "wss://pod.tunnels.example.org:443" {
		t.Errorf("URL %s, error %v", got.Ingress.URL(), err)
	}
	for variable, refused := range map[string][]string{variableScheme: {"", "http", "ws://x", "WS"}, variablePort: {"", "0", "65536", "80/x", " 80"}} {
		for _, value := range refused {
			values := cloneValues()
			values[variable] = value
			if _, err := parseValues(values); err == nil {
				t.Errorf("%s=%q is accepted", variable, value)
			}
		}
	}
}

func TestAllRefusedValuesAreNamed(t *testing.T) {
	_, err := parseValues(map[string]string{})
	for _, variable := range requiredVariables {
		if err == nil || !strings.Contains(err.Error(), variable) {
			t.Errorf("%s is not named: %v", variable, err)
		}
	}
}
