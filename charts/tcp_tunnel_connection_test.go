//go:build linux

package charts

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A tunnel with a pinned host key works, and is restored after the gateway or ssh fails.
func TestTunnelIsRestored(t *testing.T) {
	t.Parallel()
	p := newOpenSSH(t)
	key, err := p.command(t, gateway, []string{"ssh-keygen", "-y", "-f", "/etc/tunnel/key/ssh-privatekey"}).Output()
	if err != nil {
		t.Fatal(err) // the notes contain this command
	}
	p.setBastion(t, hello(t), string(key))

	// The bastion starts before the gateway, and waits.
	client := p.start(t, bastion)
	waitUntil(t, "the bastion finds no gateway", func() bool { return strings.Contains(client.out.String(), "next attempt in 1 s") })
	if p.ready(t) {
		t.Error("the bastion is ready without a gateway")
	}
	server := p.start(t, gateway)
	waitUntil(t, "the target is reachable", p.reachable)
	waitUntil(t, "the bastion is ready", func() bool { return p.ready(t) })

	// The gateway restarts.
	server.kill()
	waitUntil(t, "the bastion is not ready", func() bool { return !p.ready(t) })
	p.start(t, gateway)
	waitUntil(t, "the tunnel is restored", p.reachable)
	waitUntil(t, "the bastion is ready again", func() bool { return p.ready(t) })

	// After ssh is killed, its control socket still exists.
	for _, pid := range descendants(client.Process.Pid)[1:] {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	waitUntil(t, "the bastion starts ssh again", func() bool { return strings.Contains(client.out.String(), "status 137") })
	waitUntil(t, "the tunnel is restored", p.reachable)
	waitUntil(t, "the bastion is ready again", func() bool { return p.ready(t) })

	// The key of the bastion allows only tunnels.
	ssh := []string{"ssh", "-F", "/etc/tunnel/config/ssh_config", "-o", "ClearAllForwardings=yes", "-o", "ControlPath=none"}
	for name, test := range map[string]struct {
		args []string
		word string
	}{
		"a command":                     {[]string{"gateway", "echo", "logged", "in"}, "open failed"},
		"a connection into the cluster": {[]string{"-W", "127.0.0.1:1", "gateway"}, "administratively prohibited"},
	} {
		out, err := p.command(t, bastion, append(append([]string{}, ssh...), test.args...)).CombinedOutput()
		if err == nil || !strings.Contains(string(out), test.word) || strings.Contains(string(out), "logged in") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}

	// When the pod ends, its port is closed.
	if err := client.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	<-client.done
	if client.ProcessState.ExitCode() != 0 {
		t.Error("the bastion ends with", client.ProcessState)
	}
	waitUntil(t, "the port is closed", func() bool { return !p.reachable() })
}

func TestBastionRejectsAnotherHostKey(t *testing.T) {
	t.Parallel()
	p := newOpenSSH(t)
	run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(p.folder, "other"))
	p.setBastion(t, hello(t), read(t, p.folder, "other.pub"))
	p.start(t, gateway)
	client := p.start(t, bastion)
	waitUntil(t, "the bastion connects twice", func() bool { return strings.Contains(client.out.String(), "next attempt in 2 s") })
	if !strings.Contains(client.out.String(), "Host key verification failed") || p.reachable() || p.ready(t) {
		t.Error("the tunnel works")
	}
}

// Without a pinned host key, the bastion trusts the first key, also after a restart of its container.
func TestBastionKeepsTheFirstHostKey(t *testing.T) {
	t.Parallel()
	p := newOpenSSH(t)
	p.setBastion(t, hello(t), "")
	server := p.start(t, gateway)
	client := p.start(t, bastion)
	waitUntil(t, "the target is reachable", p.reachable)
	client.kill()
	server.kill()

	p.gateway = mustRenderTunnel(t, gateway, map[string]any{"ssh": map[string]any{
		"publicKey": read(t, p.folder, "id.pub"), "userName": p.account.Username,
	}})
	p.writeFiles(t, gateway, p.gateway) // another key
	p.start(t, gateway)
	client = p.start(t, bastion)
	waitUntil(t, "the bastion rejects the key", func() bool { return strings.Contains(client.out.String(), "Host key verification failed") })
	if p.reachable() {
		t.Error("the tunnel works")
	}
}
