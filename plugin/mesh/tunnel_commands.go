package mesh

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"
)

// TunnelArguments takes the arguments of wstunnel from the tunnel commands of a pod
// (docs/contract.md, NET-2). Each argument has been parsed, and only some are permitted:
// the tunnel exposes ports of the pod, and does nothing else. The rest of the commands
// is ignored. An error never contains a value: it may be the secret path.
func TunnelArguments(commands string) ([]string, error) {
	list, err := splitCommands(commands)
	if err != nil {
		return nil, fmt.Errorf("the tunnel commands cannot be read: %w", err)
	}
	var arguments []string
	for _, words := range list {
		for i, word := range words {
			if path.Base(word) != "wstunnel" || i+1 == len(words) || words[i+1] != "client" {
				continue
			}
			if arguments != nil {
				return nil, errors.New("the tunnel commands start wstunnel client twice")
			}
			if arguments, err = tunnelArguments(words[i+2:]); err != nil {
				return nil, fmt.Errorf("the tunnel commands start wstunnel with an argument that is refused: %w", err)
			}
			break
		}
	}
	if arguments == nil {
		return nil, errors.New("the tunnel commands do not start wstunnel client")
	}
	return arguments, nil
}

// splitCommands splits a line of shell commands into commands and words. It knows quotes,
// and no other syntax: what a shell would replace stays as it is.
func splitCommands(text string) ([][]string, error) {
	var commands [][]string
	var command []string
	var word strings.Builder
	inWord, quote := false, byte(0)
	endWord := func() {
		if inWord {
			command = append(command, word.String())
		}
		word.Reset()
		inWord = false
	}
	for _, c := range []byte(text) {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			inWord, quote = true, c
		case c == ' ' || c == '\t':
			endWord()
		case c == '\n' || c == '\r' || c == '&' || c == ';' || c == '|':
			endWord()
			commands, command = append(commands, command), nil
		default:
			inWord = true
			word.WriteByte(c)
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote has no end")
	}
	endWord()
	return append(commands, command), nil
}

// Options of "wstunnel client", with the parsers of their values. A nil parser is for an
// option without a value.
var tunnelOptions = map[string]func(string) (string, error){
	"--http-upgrade-path-prefix":         password,
	"-P":                                 password,
	"--remote-to-local":                  remoteToLocal,
	"-R":                                 remoteToLocal,
	"--tls-verify-certificate":           nil,
	"--connection-min-idle":              decimal(0, 100),
	"--connection-retry-max-backoff":     tunnelDuration,
	"--websocket-ping-frequency":         tunnelDuration,
	"--websocket-ping-frequency-sec":     decimal(1, 3600),
	"--connection-retry-max-backoff-sec": decimal(1, 3600),
}

func tunnelArguments(words []string) ([]string, error) {
	var arguments []string
	server, prefixes, ports := "", 0, 0
	for i := 0; i < len(words); i++ {
		word := words[i]
		if !strings.HasPrefix(word, "-") {
			if server != "" {
				return nil, errors.New("there is more than one server")
			}
			var err error
			if server, err = tunnelServer(word); err != nil {
				return nil, err
			}
			continue
		}
		name, value, hasValue := strings.Cut(word, "=")
		parser, known := tunnelOptions[name]
		switch {
		case !known:
			return nil, fmt.Errorf("the option %s is not permitted", printable(name))
		case parser == nil && hasValue:
			return nil, fmt.Errorf("the option %s has no value", name)
		case parser == nil:
			arguments = append(arguments, name)
			continue
		case !hasValue && i+1 == len(words):
			return nil, fmt.Errorf("the value of the option %s is missing", name)
		case !hasValue:
			i++
			value = words[i]
		}
		value, err := parser(value)
		if err != nil {
			return nil, fmt.Errorf("the value of the option %s: %w", name, err)
		}
		switch name {
		case "-P", "--http-upgrade-path-prefix":
			prefixes++
		case "-R", "--remote-to-local":
			ports++
		}
		arguments = append(arguments, name, value)
	}
	switch {
	case server == "":
		return nil, errors.New("the server is missing")
	case prefixes > 1:
		return nil, errors.New("the option --http-upgrade-path-prefix is there twice")
	case ports > 1000:
		return nil, errors.New("there are more than 1000 ports")
	}
	return append(arguments, server), nil
}

// printable returns the name of an option for a message. Of a short option it leaves out
// a value that follows directly.
func printable(name string) string {
	if len(name) > 2 && name[1] != '-' {
		name = name[:2]
	}
	if len(name) > 40 || !onlyOf(strings.TrimLeft(name, "-"), "-") {
		return "with a malformed name"
	}
	return name
}

// tunnelServer parses the URL of the server.
func tunnelServer(text string) (string, error) {
	protocol, rest, _ := strings.Cut(text, "://")
	rest = strings.TrimSuffix(rest, "/")
	var server Server
	var err error
	if server.Scheme, err = scheme(protocol); err != nil {
		return "", fmt.Errorf("the server: %w", err)
	}
	name, number, hasPort := strings.Cut(rest, ":")
	if !hasPort {
		number = map[string]string{"ws": "80", "wss": "443"}[server.Scheme]
	}
	if server.Host, err = host(name); err != nil {
		return "", fmt.Errorf("the server: %w", err)
	}
	if server.Port, err = port(number); err != nil {
		return "", fmt.Errorf("the port of the server: %w", err)
	}
	return server.URL(), nil
}

// remoteToLocal parses a port of the pod and the port of the server that leads to it, such
// as tcp://0.0.0.0:9000:localhost:9000.
func remoteToLocal(text string) (string, error) {
	err := errors.New("it must be PROTOCOL://ADDRESS:PORT:localhost:PORT with tcp or udp and IPv4 addresses; it exposes a port of the pod, and no other")
	protocol, rest, _ := strings.Cut(text, "://")
	fields := strings.Split(rest, ":")
	if (protocol != "tcp" && protocol != "udp") || len(fields) != 4 {
		return "", err
	}
	address, addressErr := netip.ParseAddr(fields[0])
	outer, outerErr := port(fields[1])
	inner, innerErr := port(fields[3])
	if addressErr != nil || !address.Is4() || outerErr != nil || innerErr != nil || (fields[2] != "localhost" && fields[2] != "127.0.0.1") {
		return "", err
	}
	return fmt.Sprintf("%s://%s:%d:%s:%d", protocol, address, outer, fields[2], inner), nil
}

// decimal is like numberBetween, for an argument.
func decimal(low, high int) func(string) (string, error) {
	parser := numberBetween(low, high)
	return func(text string) (string, error) {
		number, err := parser(text)
		return strconv.Itoa(number), err
	}
}

// tunnelDuration parses a duration of up to an hour, such as 30s.
func tunnelDuration(text string) (string, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Second || d > time.Hour {
		return "", errors.New("it must be a duration from 1s to 1h, such as 30s")
	}
	return strconv.Itoa(int(d/time.Second)) + "s", nil
}
