package mesh

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Values is what the plugin takes from a mesh script. Each value has been parsed: nothing
// in it is free text.
type Values struct {
	Interface string
	Ingress   Server
	// Password is the secret path of the tunnel's server.
	Password string
	// DNS is the DNS server of the local cluster.
	DNS netip.Addr
	MTU int
	// Routes are the address ranges of the local cluster.
	Routes    []netip.Prefix
	WireGuard WireGuard
}

// Server is the end of a tunnel in the local cluster.
type Server struct {
	Scheme string // ws or wss
	Host   string // an IPv4 address or a DNS name
	Port   uint16
}

// URL returns the server as wstunnel expects it.
func (s Server) URL() string { return fmt.Sprintf("%s://%s:%d", s.Scheme, s.Host, s.Port) }

// Variables of InterLink's templates that the plugin needs. It ignores all others, for
// example the URLs of programs.
const (
	variableInterface = "WGInterfaceName"
	variableWireGuard = "WGConfig"
	variableDNS       = "DNSServiceIP"
	variablePassword  = "RandomPassword"
	variableIngress   = "IngressEndpoint"
	variableScheme    = "IngressProtocol"
	variablePort      = "IngressPort"
	variableMTU       = "WGMTU"
	variablePods      = "PodCIDRCluster"
	variableServices  = "ServiceCIDR"
)

var requiredVariables = []string{variableWireGuard, variableDNS, variablePassword, variableIngress}

// ReadValues takes the values from a mesh script. The script must be a known text, or one
// of the site's. An error never contains a value: it may be a key.
func ReadValues(script string, site []Text) (Values, error) {
	for _, texts := range [][]Text{site, knownTexts()} {
		for i := range texts {
			if found, ok := texts[i].values(script); ok {
				return parseValues(found)
			}
		}
	}
	return Values{}, errors.New("the mesh script is none that the plugin knows: it is neither InterLink's standard script nor one of the site's ([mesh] template_dir)")
}

func parseValues(text map[string]string) (Values, error) {
	p := valueParser{text: text}
	values := Values{
		Interface: parse(&p, variableInterface, "wg0", interfaceName),
		Password:  parse(&p, variablePassword, "", password),
		DNS:       parse(&p, variableDNS, "", ipv4),
		MTU:       parse(&p, variableMTU, "1280", mtu),
		WireGuard: parse(&p, variableWireGuard, "", parseWireGuard),
		Ingress: Server{
			Scheme: parse(&p, variableScheme, "ws", scheme),
			Host:   parse(&p, variableIngress, "", host),
			Port:   parse(&p, variablePort, "80", port),
		},
	}
	for _, variable := range []string{variablePods, variableServices} {
		if text[variable] != "" {
			values.Routes = append(values.Routes, parse(&p, variable, "", ipv4Range))
		}
	}
	if err := errors.Join(p.errs...); err != nil {
		return Values{}, err
	}
	return values, nil
}

// valueParser parses values and collects the errors.
type valueParser struct {
	text map[string]string
	errs []error
}

// parse parses the value of one variable. byDefault is for a text without the variable.
func parse[T any](p *valueParser, variable, byDefault string, parser func(string) (T, error)) T {
	text, found := p.text[variable]
	if !found {
		text = byDefault
	}
	value, err := parser(text)
	if err != nil {
		p.errs = append(p.errs, fmt.Errorf("the value of %s in the mesh script is refused: %w", variable, err))
	}
	return value
}

// onlyOf reports whether a text is not empty, and consists of letters, digits and others.
func onlyOf(text, others string) bool {
	for _, c := range []byte(text) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.Contains(others, string(rune(c))) {
			return false
		}
	}
	return text != ""
}

// interfaceName parses the name of a network interface that does not exist yet. It begins
// with wg, so that it is no device of the pod.
func interfaceName(text string) (string, error) {
	const maxLength = 15 // of Linux
	if !strings.HasPrefix(text, "wg") || len(text) > maxLength || !onlyOf(text, "-_") {
		return "", errors.New("it must be the name of an interface, wg and up to 13 letters, digits or hyphens")
	}
	return text, nil
}

// password parses the secret path of the tunnel.
func password(text string) (string, error) {
	if len(text) > 256 || !onlyOf(text, "-_.~") || text[0] == '-' {
		return "", errors.New("it must be up to 256 letters, digits and -_.~")
	}
	return text, nil
}

func ipv4(text string) (netip.Addr, error) {
	address, err := netip.ParseAddr(text)
	if err != nil || !address.Is4() || !address.IsGlobalUnicast() {
		return netip.Addr{}, errors.New("it must be an IPv4 address of a host")
	}
	return address, nil
}

func ipv4Range(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil || !prefix.Addr().Is4() || prefix.Bits() < 8 || prefix.Addr().IsLoopback() || prefix.Addr().IsMulticast() {
		return netip.Prefix{}, errors.New("it must be a range of IPv4 addresses, such as 10.96.0.0/16")
	}
	return prefix.Masked(), nil
}

// host parses an IPv4 address or a DNS name.
func host(text string) (string, error) {
	if address, err := netip.ParseAddr(text); err == nil && address.Is4() {
		return address.String(), nil
	}
	// A name of digits and dots only is no name: programs would read it as an address.
	if len(validation.IsDNS1123Subdomain(text)) > 0 || strings.Trim(text, "0123456789.") == "" {
		return "", errors.New("it must be an IPv4 address or a DNS name")
	}
	return text, nil
}

func scheme(text string) (string, error) {
	if text != "ws" && text != "wss" {
		return "", errors.New("it must be ws or wss")
	}
	return text, nil
}

func port(text string) (uint16, error) {
	number, err := numberBetween(1, 65535)(text)
	return uint16(number), err
}

var mtu = numberBetween(576, 65535)

// numberBetween returns a parser of decimal numbers without sign.
func numberBetween(low, high int) func(string) (int, error) {
	return func(text string) (int, error) {
		number, err := strconv.ParseUint(text, 10, 31)
		if err != nil || int(number) < low || int(number) > high {
			return 0, fmt.Errorf("it must be a number from %d to %d", low, high)
		}
		return int(number), nil
	}
}
