package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// listenUnix listens on a unix socket at path, with the given mode.
//
// bind(2) applies the umask of the process to the mode of the socket, and a change of
// the umask would apply to every goroutine. Therefore listenUnix binds the socket in
// a private folder next to path, sets its mode there, and then renames it to path.
// So the socket never has more permissions than mode, and it replaces a stale socket
// atomically.
func listenUnix(ctx context.Context, path string, mode fs.FileMode) (net.Listener, error) {
	if path == "" {
		return nil, errors.New("the address contains no path of a socket")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := config.CheckSocketPath(path); err != nil {
		return nil, err
	}
	folder := filepath.Dir(path)
	// 0755, because InterLink may run as another user and must be able to open the
	// folder. The mode of the socket itself protects the plugin.
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("create the folder of the socket: %w", err)
	}
	if err := checkStaleSocket(ctx, path); err != nil {
		return nil, err
	}
	private, err := os.MkdirTemp(folder, "") // config.CheckSocketPath knows how long its name is
	if err != nil {
		return nil, fmt.Errorf("create a private folder for the socket: %w", err)
	}
	defer func() { _ = os.RemoveAll(private) }()
	bound, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(private, "s"), Net: "unix"})
	if err != nil {
		return nil, err
	}
	bound.SetUnlinkOnClose(false) // it would remove the path from before the rename
	file, err := place(filepath.Join(private, "s"), path, mode)
	if err != nil {
		return nil, errors.Join(err, bound.Close())
	}
	listener := &unixListener{UnixListener: bound, path: path}
	listener.remove = sync.OnceValue(func() error { return removeOurs(path, file) })
	return listener, nil
}

// checkStaleSocket returns nil if no file exists at path, or if the file is a stale
// socket: one on which no process listens, as a killed plugin leaves it. Otherwise
// the error says why the plugin cannot listen at path.
func checkStaleSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s exists and is not a socket; the plugin does not replace it", path)
	}
	dialer := net.Dialer{Timeout: 2 * time.Second}
	connection, err := dialer.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = connection.Close()
		return fmt.Errorf("another process is listening on %s; stop it first", path)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return fmt.Errorf("check whether another process is listening on %s: %w", path, err)
}

// place sets the mode of the socket and renames it. It returns the identity of the
// file.
func place(from, to string, mode fs.FileMode) (fs.FileInfo, error) {
	if err := os.Chmod(from, mode); err != nil {
		return nil, err
	}
	file, err := os.Lstat(from)
	return file, errors.Join(err, os.Rename(from, to))
}

// unixListener is a listener whose socket was renamed after it was bound.
type unixListener struct {
	*net.UnixListener
	path   string
	remove func() error
}

// Addr returns the path after the rename.
func (l *unixListener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: "unix"} }

// Close removes the socket and then stops listening. In this order it cannot remove
// the socket of another plugin: while this one listens, no other plugin replaces the
// socket.
func (l *unixListener) Close() error { return errors.Join(l.remove(), l.UnixListener.Close()) }

// removeOurs removes the socket if the file at path is still ours.
func removeOurs(path string, ours fs.FileInfo) error {
	file, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(file, ours) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Remove(path)
}
