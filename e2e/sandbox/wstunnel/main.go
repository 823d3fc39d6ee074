package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	o, err := parse(os.Args[1:])
	if err == nil {
		err = o.run(ctx)
	}
	if err != nil && ctx.Err() == nil {
		log.Fatal("wstunnel: ", err)
	}
}

// options are the options of the command line.
type options struct {
	server  bool
	address string // host and port of the server
	prefix  string // prefix of the path; the server rejects all others
	allowed string // host and port, the only target that the server allows; empty allows all
	forward []tunnel
	reverse []tunnel
}

// tunnel connects a listener to a target, both host and port.
type tunnel struct{ network, listen, target string }

func parse(args []string) (options, error) {
	if len(args) == 0 || args[0] != "client" && args[0] != "server" {
		return options{}, errors.New("usage: wstunnel client|server [options] ws://host:port")
	}
	o := options{server: args[0] == "server"}
	for i := 1; i < len(args); i++ {
		name, value, joined := strings.Cut(args[i], "=")
		if !strings.HasPrefix(name, "-") {
			u, err := url.Parse(args[i])
			if err != nil || u.Scheme != "ws" || u.Port() == "" || o.address != "" {
				return o, fmt.Errorf("%q is not an address such as ws://host:80", args[i])
			}
			o.address = u.Host
			continue
		}
		if name == "--dns-resolver-prefer-ipv4" {
			continue
		}
		if !joined {
			if i++; i == len(args) {
				return o, fmt.Errorf("%s needs a value", name)
			}
			value = args[i]
		}
		switch name {
		case "--http-upgrade-path-prefix", "--restrict-http-upgrade-path-prefix":
			o.prefix = value
		case "--restrict-to":
			o.allowed = value
		case "--log-lvl":
		case "-L", "-R":
			t, err := parseTunnel(value)
			if err != nil {
				return o, err
			}
			if name == "-L" {
				o.forward = append(o.forward, t)
			} else {
				o.reverse = append(o.reverse, t)
			}
		default:
			return o, fmt.Errorf("unknown option %s", name)
		}
	}
	if o.address == "" {
		return o, errors.New("no address such as ws://host:80")
	}
	return o, nil
}

// parseTunnel parses a tunnel such as
// udp://127.0.0.1:51821:127.0.0.1:51820?timeout_sec=0.
func parseTunnel(value string) (tunnel, error) {
	network, rest, _ := strings.Cut(value, "://")
	rest, _, _ = strings.Cut(rest, "?")
	parts := strings.Split(rest, ":")
	if network != "tcp" && network != "udp" || len(parts) != 4 {
		return tunnel{}, fmt.Errorf("%q is not a tunnel such as tcp://0.0.0.0:80:localhost:80", value)
	}
	return tunnel{network, parts[0] + ":" + parts[1], parts[2] + ":" + parts[3]}, nil
}

func (o options) run(ctx context.Context) error {
	if o.server {
		return serve(ctx, o, nil)
	}
	return newClient(o).run(ctx)
}
