package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"
)

// The functions of this file judge one value each. Whether an empty one is
// allowed is the table's business, so they let it pass.

// valid makes a check of one of Kubernetes' own.
func valid(check func(string) []string) func(string) error {
	return func(s string) error {
		if s == "" {
			return nil
		}
		if wrong := check(s); len(wrong) > 0 {
			return fmt.Errorf("%q is not valid: %s", s, strings.Join(wrong, "; "))
		}
		return nil
	}
}

var (
	label      = valid(validation.IsDNS1123Label)
	subdomain  = valid(validation.IsDNS1123Subdomain)
	labelKey   = valid(content.IsLabelKey)
	labelValue = valid(content.IsLabelValue)
)

func every(check func(string) error) func([]string) error {
	return func(items []string) error {
		for _, item := range items {
			if err := check(item); err != nil {
				return err
			}
		}
		return nil
	}
}

func onlyV1(versions []string) error {
	for _, version := range versions {
		if version != "v1" {
			return fmt.Errorf("%q is not known; there is only v1", version)
		}
	}
	if len(versions) == 0 {
		return errors.New("must be v1")
	}
	return nil
}

// served are the paths of InterLink's own calls.
var served = []string{"/create", "/delete", "/status", "/getLogs"}

func docsPath(s string) error {
	switch {
	case s == "":
		return nil
	case !strings.HasPrefix(s, "/") || s == "/" || path.Clean(s) != s || strings.ContainsFunc(s, notInPath):
		return fmt.Errorf("%q must be a plain URL path such as /docs", s)
	case slices.Contains(served, s):
		return fmt.Errorf("%q is taken by InterLink's own call; another path such as /docs is free", s)
	}
	return nil
}

// notInPath finds what would mean something else in a URL or in a route of net/http.
func notInPath(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`?#%{}`, r)
}

// maxSocketPath is what Linux can bind; longer paths fail late and unclearly.
const maxSocketPath = 107

func socketAddress(s string) error {
	const right = "must be unix:///absolute/path or http://host"
	if file, ok := strings.CutPrefix(s, "unix://"); ok {
		switch {
		case !path.IsAbs(file) || path.Clean(file) == "/":
			return fmt.Errorf("%q %s: the path is not absolute", s, right)
		case len(file) > maxSocketPath:
			return fmt.Errorf("%q is too long: a unix socket's path has at most %d characters", s, maxSocketPath)
		}
		return nil
	}
	u, err := socketURL(s)
	switch {
	case err != nil:
		return errors.New(right)
	case u.Scheme == "https":
		return errors.New(right + ": InterLink cannot dial https")
	case u.Scheme != "http" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return errors.New(right)
	case u.Port() != "":
		if _, err := number(1, 65535)(u.Port()); err != nil {
			return fmt.Errorf("its port %w", err)
		}
	}
	return host(u.Hostname())
}

func hostPort(s string) error {
	if s == "" {
		return nil
	}
	name, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err == nil {
		err = host(name)
	}
	if err != nil {
		return fmt.Errorf("%q must be host:port, such as 127.0.0.1:8080 or :8080", s)
	}
	return nil
}

// host takes a name or an IP address.
func host(s string) error {
	if _, err := netip.ParseAddr(s); s == "" || err == nil {
		return nil
	}
	if len(validation.IsDNS1123Subdomain(strings.ToLower(s))) > 0 {
		return fmt.Errorf("%q must be the name of a host or an IP address, and nothing else", s)
	}
	return nil
}

func noSpace(s string) error {
	if strings.ContainsFunc(s, unicode.IsSpace) {
		return fmt.Errorf("%q must not contain spaces", s)
	}
	return nil
}

// tagged asks an image for its version: without one, whatever is there counts.
func tagged(s string) error {
	if _, name, _ := strings.Cut(s[strings.LastIndex(s, "/")+1:], ":"); s != "" && name == "" {
		return fmt.Errorf("%q must name a tag or a digest, as in example.org/openssh:1.2", s)
	}
	return nil
}

var publicKey = regexp.MustCompile(`^[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( .*)?$`)

// hostKey takes a line as ssh-keyscan writes it, but for the host's name.
func hostKey(s string) error {
	if s != "" && !publicKey.MatchString(s) {
		return fmt.Errorf("%q must be a public key, its type first (ssh-ed25519, say)", s)
	}
	return nil
}

// maxPrefix leaves room for the namespace's own name.
const maxPrefix = 40

func namespacePrefix(s string) error {
	if len(s) > maxPrefix {
		return fmt.Errorf("%q is too long: at most %d characters leave room for the namespace's name", s, maxPrefix)
	}
	return label(s)
}

func nodeSelector(selector map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(selector)) {
		if key == "" {
			return errors.New("a key must not be empty")
		}
		if err := labelKey(key); err != nil {
			return fmt.Errorf("key %w", err)
		}
		if err := labelValue(selector[key]); err != nil {
			return fmt.Errorf("value %w", err)
		}
	}
	return nil
}

func checkToleration(t corev1.Toleration) error {
	switch t.Operator {
	case corev1.TolerationOpExists:
		if t.Value != "" {
			return errors.New("value must be empty with operator Exists")
		}
	case corev1.TolerationOpLt, corev1.TolerationOpGt:
		if _, err := strconv.ParseInt(t.Value, 10, 64); err != nil {
			return fmt.Errorf("value must be a whole number with operator %s", t.Operator)
		}
	case corev1.TolerationOpEqual, "":
		if err := labelValue(t.Value); err != nil {
			return fmt.Errorf("value %w", err)
		}
	default:
		return fmt.Errorf("operator %q must be Exists, Equal, Lt or Gt", t.Operator)
	}
	switch t.Effect {
	case "", corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute:
	default:
		return fmt.Errorf("effect %q must be NoSchedule, PreferNoSchedule, NoExecute or empty", t.Effect)
	}
	if t.Key == "" && t.Operator != corev1.TolerationOpExists {
		return errors.New("operator must be Exists where there is no key")
	}
	if t.TolerationSeconds != nil && t.Effect != corev1.TaintEffectNoExecute {
		return errors.New("effect must be NoExecute where tolerationSeconds is given")
	}
	if err := labelKey(t.Key); err != nil {
		return fmt.Errorf("key %w", err)
	}
	return nil
}

func notNegative(d time.Duration) error {
	if d < 0 {
		return errors.New("must be 0 or more")
	}
	return nil
}

// longestCreate leaves a create that failed the time to undo what it did (10 s),
// and its answer some to arrive, before InterLink gives up after 120 s.
const longestCreate = 105 * time.Second

func underInterLink(d time.Duration) error {
	if d <= 0 || d > longestCreate {
		return fmt.Errorf("%s must be above 0s and at most %s: InterLink gives up after 120s, and a failed create is undone before that", d, longestCreate)
	}
	return nil
}

func aSecond(d time.Duration) error {
	if d < time.Second {
		return fmt.Errorf("%s must be at least 1s", d)
	}
	return nil
}

// problem is what is wrong with one option in the light of the others.
type problem struct{ section, key, text string }

// together checks what single values cannot tell.
func (c *Config) together() []problem {
	var found []problem
	add := func(section, key, text string) { found = append(found, problem{section, key, text}) }

	if network, _ := c.App.Listen(); network == "tcp" {
		if u, err := socketURL(c.App.SocketAddress); err == nil {
			switch port := u.Port(); {
			case port == "" && c.App.SocketPort == 0:
				add("app", "socket_port", "must be 1 to 65535 because socket_address is a TCP one")
			case port != "" && c.App.SocketPort != 0 && port != strconv.Itoa(c.App.SocketPort):
				add("app", "socket_port", fmt.Sprintf("is %d, but socket_address says %s; one of them is enough", c.App.SocketPort, port))
			}
		}
	}
	if _, address := c.App.Listen(); c.App.AdminAddress != "" && address == c.App.AdminAddress {
		add("app", "admin_address", "must differ from where InterLink's calls are served")
	}
	if t := c.TCPTunnel; t.Enabled {
		const needed = "is needed because [tcp_tunnel] enabled is true: "
		if t.GatewayHost == "" {
			add("tcp_tunnel", "gateway_host", needed+"the host that the tunnels end at")
		}
		if t.GatewayPort == 0 {
			add("tcp_tunnel", "gateway_port", needed+"its SSH port, 1 to 65535")
		}
		switch {
		case t.GatewaySSHPrivateKey == "":
			add("tcp_tunnel", "gateway_ssh_private_key", needed+"a private key in PEM, or its base64")
		case !isPrivateKey([]byte(t.GatewaySSHPrivateKey.Reveal())):
			add("tcp_tunnel", "gateway_ssh_private_key", "must be a private key in PEM, or its base64; in the file every further line is indented")
		}
	}
	return found
}
