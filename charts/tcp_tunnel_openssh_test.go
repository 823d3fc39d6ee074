//go:build linux

package charts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// openSSH runs the gateway and the bastion of the charts with OpenSSH on this machine, without pods: as a user of
// the machine, in folders of the test, and on free ports of the loopback addresses.
type openSSH struct {
	folder           string
	account          *user.User
	sshPort, tunnel  int
	gateway, bastion map[string]string
}

// newOpenSSH renders the gateway and writes its files; setBastion does the same for the bastion.
func newOpenSSH(t *testing.T) *openSSH {
	t.Helper()
	for _, name := range []string{"ssh", "sshd", "ssh-keygen"} {
		program(t, name)
	}
	account, err := user.Current()
	if err == nil && account.Uid == "0" {
		// root could do things that the user of a pod cannot. (systemd reports that "nobody" is locked.)
		account, err = user.Lookup("daemon")
	}
	if err != nil {
		t.Fatal(err)
	}
	// The path of a socket must be short, and other users than root must be able to open the folder: t.TempDir is
	// not suitable.
	folder, err := os.MkdirTemp("", "tunnel")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	p := &openSSH{folder: folder, account: account, sshPort: testkit.FreePort(t), tunnel: testkit.FreePort(t)}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(folder, "id"))
	uid, _ := strconv.Atoi(account.Uid)
	p.gateway = mustRenderTunnel(t, gateway, map[string]any{
		"ssh":                map[string]any{"publicKey": read(t, folder, "id.pub"), "userName": account.Username},
		"podSecurityContext": map[string]any{"runAsUser": uid},
	})
	p.writeFiles(t, gateway, p.gateway)
	return p
}

// setBastion renders a bastion that forwards to the target and trusts the host key, and writes its files.
func (p *openSSH) setBastion(t *testing.T, target, hostKey string) {
	t.Helper()
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		t.Fatal(err)
	}
	targetPort, _ := strconv.Atoi(port)
	p.bastion = mustRenderTunnel(t, bastion, map[string]any{"tunnel": map[string]any{
		"gateway": map[string]any{"host": "127.0.0.1", "ssh": map[string]any{
			"port": p.sshPort, "userName": p.account.Username, "privateKey": read(t, p.folder, "id"), "hostKey": hostKey,
		}},
		"service": map[string]any{"gatewayPort": p.tunnel, "targetHost": host, "targetPort": targetPort},
	}})
	p.writeFiles(t, bastion, p.bastion)
}

// replacePaths replaces the paths and ports of the pod by those of the test. The port of the tunnel is on an address
// that requires GatewayPorts.
func (p *openSSH) replacePaths(chart, text string) string {
	root := filepath.Join(p.folder, chart)
	return strings.NewReplacer("/etc/tunnel", root, "/tmp/", root+"/tmp/", "0.0.0.0", "127.0.0.2",
		"Port 2222\n", fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\n", p.sshPort)).Replace(text)
}

// writeFiles writes the files as the kubelet does: they belong to root, and the group of the pod can read the keys.
func (p *openSSH) writeFiles(t *testing.T, chart string, files map[string]string) {
	t.Helper()
	uid, _ := strconv.Atoi(p.account.Uid)
	gid, _ := strconv.Atoi(p.account.Gid)
	root := filepath.Join(p.folder, chart)
	write := func(folder, name string, data []byte, mode os.FileMode, owner, group int) {
		path := filepath.Join(root, folder, name)
		if err := os.WriteFile(path, data, mode); err != nil {
			t.Fatal(err)
		}
		if os.Getuid() == 0 {
			if err := os.Chown(path, owner, group); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, folder := range []string{"config", "key", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if os.Getuid() == 0 {
		if err := os.Chown(filepath.Join(root, "tmp"), uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range configFiles(t, files) {
		write("config", name, []byte(p.replacePaths(chart, text)), 0o644, 0, 0)
	}
	mode := os.FileMode(0o440)
	if os.Getuid() != 0 {
		mode = 0o400 // only root can change the owner
	}
	for _, object := range decode(t, files["secret.yaml"]) {
		for name, data := range object.(*corev1.Secret).Data {
			_ = os.Remove(filepath.Join(root, "key", name))
			write("key", name, data, mode, 0, gid)
		}
	}
}

// command returns a command of the container or its probe; it runs as the user of the pod.
func (p *openSSH) command(t *testing.T, chart string, args []string) *exec.Cmd {
	t.Helper()
	for i := range args {
		args[i] = p.replacePaths(chart, args[i])
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		uid, _ := strconv.Atoi(p.account.Uid)
		gid, _ := strconv.Atoi(p.account.Gid)
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return cmd
}

func container(t *testing.T, files map[string]string) corev1.Container {
	t.Helper()
	return decode(t, files["deployment.yaml"])[0].(*appsv1.Deployment).Spec.Template.Spec.Containers[0]
}

// ready runs the readiness probe of the bastion.
func (p *openSSH) ready(t *testing.T) bool {
	return p.command(t, bastion, container(t, p.bastion).ReadinessProbe.Exec.Command).Run() == nil
}

// reachable reports whether a request to the port of the tunnel gets a response from the target.
func (p *openSSH) reachable() bool {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(fmt.Sprintf("http://127.0.0.2:%d/", p.tunnel))
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return err == nil && string(body) == "hello"
}

// process is the process of a running container.
type process struct {
	*exec.Cmd
	out  *testkit.Log
	done chan struct{}
}

func (p *openSSH) start(t *testing.T, chart string) *process {
	t.Helper()
	files := map[string]map[string]string{gateway: p.gateway, bastion: p.bastion}[chart]
	c := &process{p.command(t, chart, container(t, files).Command), testkit.NewLog(t), make(chan struct{})}
	// With a pipe of package exec, Wait would block until the last descendant has closed it.
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stdout, c.Stderr = write, write
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	copied := make(chan struct{})
	go func() { _, _ = io.Copy(c.out, read); close(copied) }()
	go func() { _ = c.Wait(); close(c.done) }()
	t.Cleanup(func() {
		c.kill()
		_ = read.Close() // a process that left its parent may still have the other end
		<-copied
	})
	return c
}

// kill kills the process and its descendants, like the end of the first process of a container.
func (c *process) kill() {
	for _, pid := range descendants(c.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-c.done
}

// descendants returns a process and its descendants.
func descendants(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", all[i], all[i]))
		for _, field := range strings.Fields(string(text)) {
			child, _ := strconv.Atoi(field)
			all = append(all, child)
		}
	}
	return all
}

// waitUntil waits until condition holds. A tunnel that was lost needs more time than testkit.Timeout on a slow machine:
// the pause between two attempts grows.
func waitUntil(t *testing.T, what string, condition func() bool) {
	t.Helper()
	testkit.EventuallyNoError(t.Context(), t, 2*testkit.Timeout, what, func(context.Context) error {
		if !condition() {
			return errors.New("not yet")
		}
		return nil
	})
}

// program skips the test if a program does not exist. Users other than root do not have /usr/sbin in their PATH.
func program(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath("/usr/sbin/" + name); err != nil {
		testkit.Program(t, name)
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func read(t *testing.T, folder, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func hello(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}
