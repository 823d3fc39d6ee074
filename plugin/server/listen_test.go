package server

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// listenAt returns a server that listens on a unix socket but does not serve.
func listenAt(t *testing.T, path string) (*Server, error) {
	t.Helper()
	server := newServer(t, Options{Lifecycle: new(fake), App: config.App{SocketAddress: "unix://" + path}})
	err := server.Listen(t.Context())
	if err == nil {
		t.Cleanup(func() { _ = server.listener.Close() })
	}
	return server, err
}

// createStaleSocket leaves a socket without a process that listens, as a killed process
// does.
func createStaleSocket(t *testing.T, path string) {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSocketIsCreatedAndRemoved(t *testing.T) {
	dir := testkit.ShortFolder(t)
	socket := filepath.Join(dir, "a", "b", "s")
	run := start(t, Options{App: config.App{SocketAddress: "unix://" + socket, SocketMode: 0o606}})
	if got := run.Addr().String(); got != socket {
		t.Errorf("address is %s, want %s", got, socket)
	}
	info, err := os.Stat(socket)
	if err != nil {
		t.Fatal(err)
	}
	// The mode does not depend on the umask.
	if info.Mode() != fs.ModeSocket|0o606 {
		t.Errorf("the socket's mode is %s", info.Mode())
	}
	folder, err := os.Stat(filepath.Dir(socket))
	if err != nil {
		t.Fatal(err)
	}
	if folder.Mode().Perm()&^0o755 != 0 {
		t.Errorf("the folder's mode is %s", folder.Mode())
	}
	if got := run.send(t, "GET", "/status", "[]"); got.status != http.StatusOK {
		t.Errorf("the response is %d", got.status)
	}
	if names := entries(t, filepath.Dir(socket)); len(names) != 1 {
		t.Errorf("the folder of the socket contains %v, want the socket only", names)
	}
	run.stop()
	if err := testkit.Receive(t, "the end of Serve", run.ended); err != nil {
		t.Errorf("Serve returned %v", err)
	}
	if names := entries(t, filepath.Dir(socket)); len(names) != 0 {
		t.Errorf("these files are not removed: %v", names)
	}
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, file.Name())
	}
	return names
}

func TestDefaultSocketMode(t *testing.T) {
	path := testkit.SocketPath(t)
	if _, err := listenAt(t, path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the mode is %v, error %v; want 0660", info, err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := testkit.SocketPath(t)
	createStaleSocket(t, path)
	run := start(t, Options{App: config.App{SocketAddress: "unix://" + path}})
	if got := run.send(t, "GET", "/status", "[]"); got.status != http.StatusOK {
		t.Errorf("the response is %d", got.status)
	}
}

func TestSocketInUseIsNotReplaced(t *testing.T) {
	run := start(t, Options{})
	_, err := listenAt(t, run.socket)
	if err == nil || !strings.Contains(err.Error(), "another process is listening") {
		t.Errorf("got %v", err)
	}
	if got := run.send(t, "GET", "/status", "[]"); got.status != http.StatusOK {
		t.Errorf("the first server returns %d afterwards", got.status)
	}
}

func TestOtherFilesAreNotReplaced(t *testing.T) {
	dir := testkit.ShortFolder(t)
	file, link, folder := filepath.Join(dir, "f"), filepath.Join(dir, "l"), filepath.Join(dir, "d")
	stale := filepath.Join(dir, "stale")
	createStaleSocket(t, stale)
	for _, err := range []error{
		os.WriteFile(file, []byte("keep"), 0o600), os.Symlink(stale, link), os.Mkdir(folder, 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	before := entries(t, dir)
	for _, path := range []string{file, link, folder} {
		if _, err := listenAt(t, path); err == nil || !strings.Contains(err.Error(), "is not a socket") {
			t.Errorf("%s: got %v", path, err)
		}
	}
	if content, err := os.ReadFile(file); string(content) != "keep" || err != nil {
		t.Errorf("the file contains %q, error %v", content, err)
	}
	if after := entries(t, dir); strings.Join(before, " ") != strings.Join(after, " ") {
		t.Errorf("the folder contained %v, now it contains %v", before, after)
	}
}

// Nothing is known of a path below a file: nothing is replaced there.
func TestPathThatCannotBeLookedAt(t *testing.T) {
	file := filepath.Join(testkit.ShortFolder(t), "f")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := checkStaleSocket(t.Context(), filepath.Join(file, "s")); !errors.Is(err, syscall.ENOTDIR) || strings.Contains(err.Error(), "another process") {
		t.Errorf("the error is %v", err)
	}
}

// A socket that cannot be put into its place is an error.
func TestPlaceFails(t *testing.T) {
	dir := testkit.ShortFolder(t)
	from := filepath.Join(dir, "s")
	createStaleSocket(t, from)
	for name, paths := range map[string][2]string{
		"the socket is gone": {filepath.Join(dir, "gone"), filepath.Join(dir, "to")},
		"the folder is gone": {from, filepath.Join(dir, "gone", "to")},
	} {
		if _, err := place(paths[0], paths[1], 0o600); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

func TestSocketOfAnotherProcessIsNotRemoved(t *testing.T) {
	path := testkit.SocketPath(t)
	server, err := listenAt(t, path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if err := server.listener.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the socket of the other process is removed: %v", err)
	}
}

// The server listens at exactly the paths that the configuration permits.
func TestSocketPathLength(t *testing.T) {
	dir := testkit.ShortFolder(t)
	// fill returns a path of a number of bytes.
	fill := func(length int) string {
		return filepath.Join(dir, strings.Repeat("x", length-len(dir)-1))
	}
	for _, test := range []struct {
		name, path string
		permitted  bool
	}{
		{"longest path", fill(107), true},
		{"path that is one byte too long", fill(108), false},
		{"longest folder", filepath.Join(fill(94), "s"), true},
		{"folder that is one byte too long", filepath.Join(fill(95), "s"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := config.CheckSocketPath(test.path); (err == nil) != test.permitted {
				t.Errorf("CheckSocketPath returns %v", err)
			}
			_, err := listenAt(t, test.path)
			if (err == nil) != test.permitted || err != nil && !strings.Contains(err.Error(), "1 bytes too long") {
				t.Errorf("Listen returns %v", err)
			}
		})
	}
}

func TestTCPWarnsWithoutLoopback(t *testing.T) {
	for address, warns := range map[string]bool{
		"localhost:0": false, "127.0.0.1:0": false, "0.0.0.0:0": true, ":0": true,
	} {
		t.Run(address, func(t *testing.T) {
			run := start(t, Options{App: config.App{SocketAddress: "http://" + address}})
			if got := run.send(t, "GET", "/status", "[]"); got.status != http.StatusOK {
				t.Errorf("the response is %d", got.status)
			}
			if log := run.log.String(); strings.Contains(log, "level=WARN") != warns {
				t.Errorf("want a warning: %v; the log is\n%s", warns, log)
			}
		})
	}
}

func TestListenErrors(t *testing.T) {
	for _, app := range []config.App{
		{SocketAddress: "unix://"},
		{SocketAddress: "http://localhost:1048576"},
		{SocketAddress: "unix://" + testkit.SocketPath(t), AdminAddress: "nowhere"},
	} {
		server := newServer(t, Options{Lifecycle: new(fake), App: app})
		if err := server.Run(context.Background()); err == nil {
			t.Errorf("%s, %s: Run returns no error", app.SocketAddress, app.AdminAddress)
		}
		if server.Addr() != nil {
			t.Errorf("%s: the server still listens on %s", app.SocketAddress, server.Addr())
		}
	}
}
