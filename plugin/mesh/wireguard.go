package mesh

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// maxKeyName is longer than the name of each key of a WireGuard configuration.
const maxKeyName = 20

// WireGuard is the configuration of the WireGuard interface: one key pair, one peer.
type WireGuard struct {
	PrivateKey, PublicKey, PresharedKey string
	// AllowedIPs are the address ranges behind the peer.
	AllowedIPs []netip.Prefix
	// Endpoint is the end of the tunnel on this side.
	Endpoint netip.AddrPort
	// Keepalive is in seconds; 0 sends none.
	Keepalive int
}

// Config returns the configuration in the form of "wg setconf".
func (w WireGuard) Config() string {
	var b strings.Builder
	fmt.Fprintf(&b, "[Interface]\nPrivateKey = %s\n\n[Peer]\nPublicKey = %s\n", w.PrivateKey, w.PublicKey)
	if w.PresharedKey != "" {
		fmt.Fprintf(&b, "PresharedKey = %s\n", w.PresharedKey)
	}
	ranges := make([]string, len(w.AllowedIPs))
	for i, allowed := range w.AllowedIPs {
		ranges[i] = allowed.String()
	}
	fmt.Fprintf(&b, "AllowedIPs = %s\nEndpoint = %s\n", strings.Join(ranges, ","), w.Endpoint)
	if w.Keepalive > 0 {
		fmt.Fprintf(&b, "PersistentKeepalive = %d\n", w.Keepalive)
	}
	return b.String()
}

// parseWireGuard parses a WireGuard configuration. It accepts the keys that it knows, and
// refuses all others: wg-quick would run the values of some of them as commands. An error
// contains no value.
func parseWireGuard(text string) (WireGuard, error) {
	var w WireGuard
	section, seen := "", map[string]bool{}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if strings.HasPrefix(line, "[") {
			section = strings.ToLower(line)
			if section != "[interface]" && section != "[peer]" {
				return WireGuard{}, errors.New("it has a section that is neither Interface nor Peer")
			}
			if seen[section] {
				return WireGuard{}, fmt.Errorf("it has the section %s twice", section)
			}
			seen[section] = true
			continue
		}
		name, value, found := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !found || !onlyOf(name, "") {
			return WireGuard{}, errors.New("it has a line that is not NAME = VALUE")
		}
		if len(name) > maxKeyName { // it is not the name of a key, and may be a key itself
			return WireGuard{}, errors.New("it has a line with an unknown key")
		}
		id := section + " " + strings.ToLower(name)
		if seen[id] {
			return WireGuard{}, fmt.Errorf("it has the key %s twice", name)
		}
		seen[id] = true
		if err := w.set(id, value); err != nil {
			return WireGuard{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, required := range []string{"[interface] privatekey", "[peer] publickey", "[peer] allowedips", "[peer] endpoint"} {
		if !seen[required] {
			return WireGuard{}, fmt.Errorf("the key %s is missing", required)
		}
	}
	return w, nil
}

// set sets one key of the configuration. Its name is in small letters, after that of its
// section.
func (w *WireGuard) set(name, value string) error {
	var err error
	switch name {
	case "[interface] privatekey":
		w.PrivateKey, err = wireGuardKey(value)
	case "[interface] address", "[interface] dns", "[interface] mtu":
		// The script does not need them.
	case "[peer] publickey":
		w.PublicKey, err = wireGuardKey(value)
	case "[peer] presharedkey":
		w.PresharedKey, err = wireGuardKey(value)
	case "[peer] allowedips":
		w.AllowedIPs, err = allowedIPs(value)
	case "[peer] endpoint":
		w.Endpoint, err = netip.ParseAddrPort(value)
		if err != nil || w.Endpoint.Addr() != netip.AddrFrom4([4]byte{127, 0, 0, 1}) || w.Endpoint.Port() < 1024 {
			return errors.New("it must be a port of 127.0.0.1, where the tunnel begins")
		}
	case "[peer] persistentkeepalive":
		if value != "off" {
			w.Keepalive, err = numberBetween(0, 65535)(value)
		}
	default:
		return errors.New("this key is not permitted")
	}
	return err
}

// wireGuardKey parses a key: 32 bytes in base64. It returns the one spelling of
// these bytes.
func wireGuardKey(text string) (string, error) {
	const length = 32
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(key) != length || len(text) != base64.StdEncoding.EncodedLen(length) {
		return "", errors.New("it must be a key, 44 characters of base64")
	}
	return base64.StdEncoding.EncodeToString(key), nil
}

func allowedIPs(text string) ([]netip.Prefix, error) {
	const maxRanges = 64
	var ranges []netip.Prefix
	for field := range strings.SplitSeq(text, ",") {
		field = strings.TrimSpace(field)
		if !strings.Contains(field, "/") {
			field += "/32"
		}
		prefix, err := netip.ParsePrefix(field)
		if err != nil || !prefix.Addr().Is4() {
			return nil, errors.New("it must be a list of ranges of IPv4 addresses")
		}
		if ranges = append(ranges, prefix.Masked()); len(ranges) > maxRanges {
			return nil, errors.New("it has more than " + strconv.Itoa(maxRanges) + " ranges")
		}
	}
	return ranges, nil
}
