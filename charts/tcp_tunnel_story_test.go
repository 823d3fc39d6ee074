//go:build linux

package charts

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The whole life of a tunnel whose bastion knows the gateway's key.
func TestTunnelCarriesAndHeals(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	key, err := p.command(t, gateway, []string{"ssh-keygen", "-y", "-f", "/etc/tunnel/key/ssh-privatekey"}).Output()
	if err != nil {
		t.Fatal(err) // the notes say that this shows the key
	}
	p.bastionOf(t, hello(t), string(key))

	// The bastion comes first, and waits.
	client := p.start(t, bastion)
	eventually(t, "the bastion finds no gateway", func() bool { return strings.Contains(client.out.String(), "the next try is in 1 s") })
	if p.ready(t) {
		t.Error("the bastion is ready without a gateway")
	}
	server := p.start(t, gateway)
	eventually(t, "a request comes through", p.reaches)
	eventually(t, "the bastion is ready", func() bool { return p.ready(t) })

	// The gateway restarts.
	server.kill()
	eventually(t, "the bastion is not ready", func() bool { return !p.ready(t) })
	p.start(t, gateway)
	eventually(t, "the tunnel heals", p.reaches)
	eventually(t, "the bastion is ready again", func() bool { return p.ready(t) })

	// ssh is killed, and leaves its socket behind.
	for _, pid := range descendants(client.Process.Pid)[1:] {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	eventually(t, "the bastion starts ssh anew", func() bool { return strings.Contains(client.out.String(), "status 137") })
	eventually(t, "the tunnel heals", p.reaches)
	eventually(t, "the bastion is ready again", func() bool { return p.ready(t) })

	// The bastion's key opens tunnels, and nothing else.
	ssh := []string{"ssh", "-F", "/etc/tunnel/config/ssh_config", "-o", "ClearAllForwardings=yes", "-o", "ControlPath=none"}
	for name, test := range map[string]struct {
		args []string
		word string
	}{
		"a command":              {[]string{"gateway", "echo", "let", "in"}, "open failed"},
		"a way into the cluster": {[]string{"-W", "127.0.0.1:1", "gateway"}, "administratively prohibited"},
	} {
		out, err := p.command(t, bastion, append(append([]string{}, ssh...), test.args...)).CombinedOutput()
		if err == nil || !strings.Contains(string(out), test.word) || strings.Contains(string(out), "let in") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}

	// The pod ends, and its port with it.
	if err := client.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	<-client.done
	if client.ProcessState.ExitCode() != 0 {
		t.Error("the bastion ended with", client.ProcessState)
	}
	eventually(t, "the port is free", func() bool { return !p.reaches() })
}

func TestBastionRefusesAnotherHostKey(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(p.folder, "other"))
	p.bastionOf(t, hello(t), read(t, p.folder, "other.pub"))
	p.start(t, gateway)
	client := p.start(t, bastion)
	eventually(t, "the bastion has tried twice", func() bool { return strings.Contains(client.out.String(), "the next try is in 2 s") })
	if !strings.Contains(client.out.String(), "Host key verification failed") || p.reaches() || p.ready(t) {
		t.Error("the tunnel stands")
	}
}

// Without a pinned key the first one counts, over restarts of the container too.
func TestBastionStaysWithTheFirstHostKey(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.bastionOf(t, hello(t), "")
	server := p.start(t, gateway)
	client := p.start(t, bastion)
	eventually(t, "a request comes through", p.reaches)
	client.kill()
	server.kill()

	p.gateway = mustRenderTunnel(t, gateway, map[string]any{"ssh": map[string]any{
		"publicKey": read(t, p.folder, "id.pub"), "userName": p.account.Username,
	}})
	p.layOut(t, gateway, p.gateway) // another key
	p.start(t, gateway)
	client = p.start(t, bastion)
	eventually(t, "the bastion refuses", func() bool { return strings.Contains(client.out.String(), "Host key verification failed") })
	if p.reaches() {
		t.Error("the tunnel stands")
	}
}
