package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"net/url"
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

// Each function of this file checks one value. All accept an empty value: the table
// says which options must not be empty.

// valid returns a check that calls one of Kubernetes' own checks.
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

// every returns a check of a list that checks each item.
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

// pattern checks a name in which * matches any characters but a slash.
func pattern(s string) error {
	if _, err := path.Match(s, ""); err != nil || s == "" {
		return fmt.Errorf("%q must be a name or a pattern such as team-*", s)
	}
	return nil
}

func onlyV1(versions []string) error {
	for _, version := range versions {
		if version != "v1" {
			return fmt.Errorf("%q is not supported; the only version is v1", version)
		}
	}
	if len(versions) == 0 {
		return errors.New("must be v1")
	}
	return nil
}

// interlinkPaths are the URL paths that InterLink calls.
var interlinkPaths = []string{"/create", "/delete", "/status", "/getLogs"}

func docsPath(s string) error {
	switch {
	case s == "":
		return nil
	case !strings.HasPrefix(s, "/") || s == "/" || path.Clean(s) != s || strings.ContainsFunc(s, notInPath):
		return fmt.Errorf("%q must be a plain URL path such as /docs", s)
	case slices.Contains(interlinkPaths, s):
		return fmt.Errorf("%q is a path that InterLink calls; choose another path, such as /docs", s)
	}
	return nil
}

// notInPath reports whether r has a special meaning in a URL or in a route of
// net/http.
func notInPath(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`?#%{}`, r)
}

func socketAddress(s string) error {
	const expected = "must be unix:///absolute/path or http://host"
	if file, ok := strings.CutPrefix(s, "unix://"); ok {
		if !path.IsAbs(file) || path.Clean(file) == "/" {
			return fmt.Errorf("%q %s: the path is not absolute", s, expected)
		}
		return CheckSocketPath(file)
	}
	u, err := socketURL(s)
	switch {
	case err != nil:
		return errors.New(expected)
	case u.Scheme == "https":
		return errors.New(expected + ": InterLink cannot connect with https")
	case u.Scheme != "http" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return errors.New(expected)
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

// host accepts the name of a host or an IP address.
func host(s string) error {
	if _, err := netip.ParseAddr(s); s == "" || err == nil {
		return nil
	}
	if len(validation.IsDNS1123Subdomain(strings.ToLower(s))) > 0 {
		return fmt.Errorf("%q must be the name of a host or an IP address, without a scheme or a port", s)
	}
	return nil
}

func noSpace(s string) error {
	if strings.ContainsFunc(s, unicode.IsSpace) {
		return fmt.Errorf("%q must not contain spaces", s)
	}
	return nil
}

// checkImageTag checks that an image has a tag or a digest. Without one, the registry
// chooses the version.
func checkImageTag(s string) error {
	if _, name, _ := strings.Cut(s[strings.LastIndex(s, "/")+1:], ":"); s != "" && name == "" {
		return fmt.Errorf("%q must have a tag or a digest, for example example.org/openssh:1.2", s)
	}
	return nil
}

var publicKey = regexp.MustCompile(`^[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( .*)?$`)

// hostKey accepts a line of ssh-keyscan without the name of the host.
func hostKey(s string) error {
	if s != "" && !publicKey.MatchString(s) {
		return fmt.Errorf("%q must be a public key that begins with its type, such as ssh-ed25519", s)
	}
	return nil
}

// maxPrefix is the longest prefix of a namespace: the name of the namespace must
// still fit into 63 characters.
const maxPrefix = 40

func namespacePrefix(s string) error {
	if len(s) > maxPrefix {
		return fmt.Errorf("%q is too long: it may have at most %d characters, because the name of the namespace follows it", s, maxPrefix)
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
			return errors.New("value must be empty if operator is Exists")
		}
	case corev1.TolerationOpLt, corev1.TolerationOpGt:
		if _, err := strconv.ParseInt(t.Value, 10, 64); err != nil {
			return fmt.Errorf("value must be a whole number if operator is %s", t.Operator)
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
		return errors.New("operator must be Exists if key is empty")
	}
	if t.TolerationSeconds != nil && t.Effect != corev1.TaintEffectNoExecute {
		return errors.New("effect must be NoExecute if tolerationSeconds is set")
	}
	if err := labelKey(t.Key); err != nil {
		return fmt.Errorf("key %w", err)
	}
	return nil
}

// checkSocketMode checks that some user can connect to a socket of this mode, which
// needs write permission (unix(7)).
func checkSocketMode(mode fs.FileMode) error {
	if mode&0o222 == 0 {
		return fmt.Errorf("%04o gives no user write permission, so no process can connect to the socket; use for example 0660", mode)
	}
	return nil
}

func notNegative(d time.Duration) error {
	if d < 0 {
		return errors.New("must be 0 or more")
	}
	return nil
}

// longestCreate is the longest create_timeout. InterLink stops waiting after 120 s;
// before that, a failed create needs 10 s for its rollback, and the response needs
// time to arrive.
const longestCreate = 105 * time.Second

// withinInterLinkTimeout checks the time limit of a create.
func withinInterLinkTimeout(d time.Duration) error {
	if d <= 0 || d > longestCreate {
		return fmt.Errorf("%s must be above 0s and at most %s: InterLink stops waiting after 120s, and a failed create needs the rest for its rollback", d, longestCreate)
	}
	return nil
}

func atLeastOneSecond(d time.Duration) error {
	if d < time.Second {
		return fmt.Errorf("%s must be at least 1s", d)
	}
	return nil
}

// checksum matches the fragment of a URL that says the content.
var checksum = regexp.MustCompile(`^sha256=[0-9a-f]{64}$`)

// withoutQuery masks the query of a URL, which may be a token.
func withoutQuery(s string) string {
	before, query, found := strings.Cut(s, "?")
	if !found {
		return s
	}
	if _, fragment, found := strings.Cut(query, "#"); found {
		return before + "?" + masked + "#" + fragment
	}
	return before + "?" + masked
}

// installPrograms is the default of [mesh] install.
const installPrograms = "apk add --no-cache bash curl dnsmasq gcompat iproute2 libc6-compat procps shadow util-linux"

// withoutCommand masks a shell command of the site, which may contain a token of a package registry.
func withoutCommand(s string) string {
	if s == installPrograms {
		return s
	}
	return fmt.Sprintf("%s (a command of %d characters)", masked, len(s))
}

// downloadURL checks the URL of a program.
func downloadURL(s string) error {
	u, err := url.Parse(s)
	if s != "" && (err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })) {
		return errors.New("must be a URL such as https://example.org/program")
	}
	if u.User != nil {
		return errors.New("must not contain a user or a password: use a site that needs none, or an image that contains the program")
	}
	if u.Fragment != "" && !checksum.MatchString(u.Fragment) {
		return errors.New("must end in #sha256= and 64 hexadecimal digits, or have no #")
	}
	return nil
}
