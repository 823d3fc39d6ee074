package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		args string
		want options
		err  string
	}{
		{args: "client -L udp://127.0.0.1:51821:127.0.0.1:51820?timeout_sec=0 --http-upgrade-path-prefix abc ws://host:80", want: options{
			address: "host:80", prefix: "abc", forward: []tunnel{{"udp", "127.0.0.1:51821", "127.0.0.1:51820"}}}},
		{args: "client --http-upgrade-path-prefix abc -R tcp://0.0.0.0:9000:localhost:9000 -R tcp://0.0.0.0:80:localhost:8080 ws://host:80", want: options{
			address: "host:80", prefix: "abc", reverse: []tunnel{{"tcp", "0.0.0.0:9000", "localhost:9000"}, {"tcp", "0.0.0.0:80", "localhost:8080"}}}},
		{args: "server --log-lvl DEBUG --dns-resolver-prefer-ipv4 --restrict-http-upgrade-path-prefix abc --restrict-to 127.0.0.1:51820 ws://0.0.0.0:8080", want: options{
			server: true, address: "0.0.0.0:8080", prefix: "abc", allowed: "127.0.0.1:51820"}},
		{args: "", err: "usage"},
		{args: "client", err: "no address"},
		{args: "client ws://host", err: "is not an address"},
		{args: "client -L", err: "needs a value"},
		{args: "client -L tcp://1:2 ws://host:80", err: "is not a tunnel"},
		{args: "client --other x ws://host:80", err: "unknown option"},
	} {
		got, err := parse(strings.Fields(test.args))
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: error %v, want %q", test.args, err, test.err)
			}
			continue
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(options{}, tunnel{})); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", test.args, err, diff)
		}
	}
}

// startServer runs a server and returns its address and a function that stops it.
func startServer(t *testing.T, o options) (address string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	listening := make(chan string, 1)
	running.Go(func() {
		if err := serve(ctx, o, func(a net.Addr) { listening <- a.String() }); err != nil {
			t.Error(err)
			close(listening)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(stop)
	return <-listening, stop
}

func startClient(t *testing.T, o options) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := newClient(o)
	c.pause = 10 * time.Millisecond
	var running sync.WaitGroup
	running.Go(func() { _ = c.run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
}

// startEcho starts a server that answers in capital letters: to each line by TCP, and to
// each datagram by UDP.
func startEcho(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := net.ListenPacket("udp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = listener.Close(), socket.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				lines := bufio.NewScanner(conn)
				for lines.Scan() {
					_, _ = fmt.Fprintln(conn, strings.ToUpper(lines.Text()))
				}
				_, _ = io.WriteString(conn, "bye")
				_ = conn.Close()
			}()
		}
	}()
	go func() {
		buffer := make([]byte, 1<<16)
		for {
			n, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = socket.WriteTo([]byte(strings.ToUpper(string(buffer[:n]))), from)
		}
	}()
	return listener.Addr().String()
}

// freeAddress returns an address that no program listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(t))
}

// sendTCP sends a line, closes its direction, and returns the whole answer.
func sendTCP(address, text string) (string, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close() //nolint:errcheck // it is read to its end
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = fmt.Fprintln(conn, text)
	_ = conn.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

// sendUDP sends a datagram and returns the answer.
func sendUDP(conn net.Conn, text string) (string, error) {
	_ = conn.SetDeadline(time.Now().Add(500 * time.Millisecond))
	_, _ = io.WriteString(conn, text)
	buffer := make([]byte, 1<<16)
	n, err := conn.Read(buffer)
	return string(buffer[:n]), err
}

// eventually waits until send returns what is wanted.
func eventually(t *testing.T, what string, send func() (string, error), want string) {
	t.Helper()
	testkit.EventuallyNoError(t.Context(), t, testkit.Timeout, what, func(context.Context) error {
		got, err := send()
		if err == nil && got != want {
			err = fmt.Errorf("the answer is %q, want %q", got, want)
		}
		return err
	})
}

// All kinds of tunnels carry data, also after the server was restarted.
func TestTunnelsReconnect(t *testing.T) {
	target, address := startEcho(t), freeAddress(t)
	o := options{address: address, prefix: "secret"}
	_, stop := startServer(t, o)
	forward, reverse, udp := freeAddress(t), freeAddress(t), freeAddress(t)
	o.forward = []tunnel{{"tcp", forward, target}, {"udp", udp, target}}
	o.reverse = []tunnel{{"tcp", reverse, target}}
	startClient(t, o)
	source, err := net.Dial("udp", udp)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close() //nolint:errcheck // datagrams
	all := func() {
		for range 3 {
			eventually(t, "forward", func() (string, error) { return sendTCP(forward, "abc") }, "ABC\nbye")
			eventually(t, "reverse", func() (string, error) { return sendTCP(reverse, "abc") }, "ABC\nbye")
		}
	}
	all()
	eventually(t, "datagrams", func() (string, error) { return sendUDP(source, "first") }, "FIRST")
	stop()
	startServer(t, options{address: address, prefix: "secret"})
	all()
	eventually(t, "datagrams", func() (string, error) { return sendUDP(source, "second") }, "SECOND")
}

func TestServerRejects(t *testing.T) {
	target := startEcho(t)
	address, _ := startServer(t, options{address: "127.0.0.1:0", prefix: "secret", allowed: target})
	for what, o := range map[string]options{
		"connect tcp " + target:        {address: address, prefix: "other"},
		"connect tcp 127.0.0.1:1":      {address: address, prefix: "secret"},
		"connect udp 127.0.0.1:1":      {address: address, prefix: "secret"},
		"connect tcp " + target + " x": {address: address, prefix: "secret"},
	} {
		if link, _, err := dial(t.Context(), o, what); err == nil || !strings.Contains(err.Error(), "the server answered 40") {
			t.Errorf("%q with prefix %s returns %v, %v", what, o.prefix, link, err)
		}
	}
	if link, _, err := dial(t.Context(), options{address: address, prefix: "secret"}, "connect tcp "+target); err != nil {
		t.Error(err)
	} else {
		_ = link.Close()
	}
}
