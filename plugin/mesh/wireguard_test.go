package mesh

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const wireGuardConfig = "[Interface]\nPrivateKey = " + keyA + "\n\n[Peer]\nPublicKey = " + keyB + "\nAllowedIPs = 10.7.0.1/32,10.0.0.0/8\nEndpoint = 127.0.0.1:51821\nPersistentKeepalive = 25\n"

func TestWireGuardConfig(t *testing.T) {
	replace := func(old, new string) string { return strings.Replace(wireGuardConfig, old, new, 1) }
	for name, test := range map[string]struct{ config, want string }{
		"as InterLink writes it":         {wireGuardConfig, wireGuardConfig},
		"as in the snippet of InterLink": {replace("[Peer]", "Address = 10.7.0.2/32\nDNS = 1.1.1.1\nMTU = 1280\n[Peer]"), wireGuardConfig},
		"spaces, comments, small letters": {"# a comment\n [interface] \n\tprivatekey=" + keyA + " # key\n[PEER]\npublickey=" + keyB +
			"\nallowedips = 10.7.0.1 , 10.1.2.3/8\nendpoint=127.0.0.1:51821\npersistentkeepalive=25", wireGuardConfig},
		"preshared key, no keepalive": {replace("AllowedIPs", "PresharedKey = "+keyA+"\nAllowedIPs")[:strings.Index(wireGuardConfig, "Persistent")+len("PresharedKey = "+keyA+"\n")] + "PersistentKeepalive = off\n",
			strings.Replace(wireGuardConfig[:strings.Index(wireGuardConfig, "Persistent")], "AllowedIPs", "PresharedKey = "+keyA+"\nAllowedIPs", 1)},
		"line ends of Windows": {strings.ReplaceAll(wireGuardConfig, "\n", "\r\n"), wireGuardConfig},
	} {
		w, err := parseWireGuard(test.config)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(test.want, w.Config()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestWireGuardConfigRefused(t *testing.T) {
	replace := func(old, new string) string { return strings.Replace(wireGuardConfig, old, new, 1) }
	for _, hook := range []string{"PostUp", "PreUp", "PreDown", "PostDown", "Table", "SaveConfig", "postup", "FwMark", "ListenPort", "x"} {
		for _, section := range []string{"[Peer]", "[Interface]"} {
			_, err := parseWireGuard(replace(section, section+"\n"+hook+" = id"))
			if err == nil || !strings.Contains(err.Error(), hook+": this key is not permitted") {
				t.Errorf("%s in section %s: error %v", hook, section, err)
			}
		}
	}
	for name, test := range map[string]struct{ config, err string }{
		"empty":                        {"", "the key [interface] privatekey is missing"},
		"no peer":                      {wireGuardConfig[:strings.Index(wireGuardConfig, "[Peer]")], "the key [peer] publickey is missing"},
		"no ranges":                    {replace("AllowedIPs", "#"), "the key [peer] allowedips is missing"},
		"no endpoint":                  {replace("Endpoint", "#"), "the key [peer] endpoint is missing"},
		"key outside a section":        {"PostUp = id\n" + wireGuardConfig, "PostUp: this key is not permitted"},
		"private key of the peer":      {replace("[Peer]", "[Peer]\nPrivateKey = "+keyA), "PrivateKey: this key is not permitted"},
		"another section":              {wireGuardConfig + "[Hooks]\nPostUp = id\n", "a section that is neither"},
		"two peers":                    {wireGuardConfig + wireGuardConfig[strings.Index(wireGuardConfig, "[Peer]"):], "the section [peer] twice"},
		"a key twice":                  {replace("PublicKey", "publickey = "+keyB+"\nPublicKey"), "the key PublicKey twice"},
		"short key":                    {replace(keyA, keyA[4:]), "PrivateKey: it must be a key, 44 characters"},
		"long key":                     {replace(keyA, keyA[:43]+"A"+"AAA="), "PrivateKey: it must be a key, 44 characters"},
		"key of other characters":      {replace(keyA, "$(id)"+keyA[5:]), "PrivateKey: it must be a key, 44 characters"},
		"key in base64 for URLs":       {replace(keyA, "-_"+keyA[2:]), "PrivateKey: it must be a key, 44 characters"},
		"key with unused bits":         {replace(keyA, keyA[:42]+"F="), "PrivateKey: it must be a key, 44 characters"},
		"ranges of another form":       {replace("10.7.0.1/32", "all"), "AllowedIPs: it must be a list of ranges"},
		"IPv6":                         {replace("10.7.0.1/32", "fd00::/64"), "AllowedIPs: it must be a list of ranges"},
		"too many ranges":              {replace("10.7.0.1/32", strings.Repeat("10.7.0.1/32,", 64)+"10.8.0.1"), "AllowedIPs: it has more than 64 ranges"},
		"endpoint outside the pod":     {replace("127.0.0.1:51821", "192.0.2.1:51820"), "Endpoint: it must be a port of 127.0.0.1"},
		"endpoint with a name":         {replace("127.0.0.1:51821", "localhost:51821"), "Endpoint: it must be a port of 127.0.0.1"},
		"endpoint below 1024":          {replace("127.0.0.1:51821", "127.0.0.1:53"), "Endpoint: it must be a port of 127.0.0.1"},
		"keepalive is not a number":    {replace("= 25", "= 25;id"), "PersistentKeepalive: it must be a number from 0 to 65535"},
		"line without a value":         {replace("[Peer]", "id\n[Peer]"), "a line that is not NAME = VALUE"},
		"name that is a command":       {replace("[Peer]", "a$(id) = b\n[Peer]"), "a line that is not NAME = VALUE"},
		"a line end inside a key name": {replace("[Peer]", "Post\vUp = b\n[Peer]"), "a line that is not NAME = VALUE"},
	} {
		_, err := parseWireGuard(test.config)
		if err == nil || !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: error %v, want %q", name, err, test.err)
		} else if strings.Contains(err.Error(), keyA[:20]) {
			t.Errorf("%s: the error contains a key: %v", name, err)
		}
	}
}
