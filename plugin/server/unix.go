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
)

// maxSocketPath is the kernel's limit: 108 bytes with the closing zero.
const maxSocketPath = 107

// listenUnix listens on a socket at path, with the given mode.
//
// bind(2) makes the file with what the process's umask leaves, and changing the
// umask changes it for every goroutine. So the socket is bound inside a private
// folder beside its place, gets its mode there, and is then renamed to where
// InterLink finds it: at no moment is it more open than asked for, and a stale
// socket is replaced without a gap.
func listenUnix(ctx context.Context, path string, mode fs.FileMode) (net.Listener, error) {
	if path == "" {
		return nil, errors.New("the address names no socket path")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	folder := filepath.Dir(path)
	// The private folder's name has at most ten digits.
	if longest := max(len(path), len(folder)+len("/0123456789/s")); longest > maxSocketPath {
		return nil, fmt.Errorf("the socket's path is %d bytes too long for a unix socket (at most %d): %s",
			longest-maxSocketPath, maxSocketPath, path)
	}
	// 0755, because InterLink, maybe as another user, must pass through the
	// folder; what protects the plugin is the mode of the socket itself.
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("make the socket's folder: %w", err)
	}
	if err := vacant(ctx, path); err != nil {
		return nil, err
	}
	private, err := os.MkdirTemp(folder, "")
	if err != nil {
		return nil, fmt.Errorf("make the socket: %w", err)
	}
	defer func() { _ = os.RemoveAll(private) }()
	bound, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(private, "s"), Net: "unix"})
	if err != nil {
		return nil, err
	}
	bound.SetUnlinkOnClose(false) // it would unlink the name before the rename
	file, err := place(filepath.Join(private, "s"), path, mode)
	if err != nil {
		return nil, errors.Join(err, bound.Close())
	}
	listener := &unixListener{UnixListener: bound, path: path}
	listener.remove = sync.OnceValue(func() error { return removeOurs(path, file) })
	return listener, nil
}

// vacant says why a socket cannot be put at path. A socket that nobody answers
// is what a killed plugin leaves behind, and no obstacle.
func vacant(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s exists and is no socket: it is left as it is", path)
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
	return fmt.Errorf("cannot tell whether another process is listening on %s: %w", path, err)
}

// place gives the socket its mode, then its name, and returns what to know it by.
func place(from, to string, mode fs.FileMode) (fs.FileInfo, error) {
	if err := os.Chmod(from, mode); err != nil {
		return nil, err
	}
	file, err := os.Lstat(from)
	if err != nil {
		return nil, err
	}
	return file, os.Rename(from, to)
}

// unixListener is a listener whose socket goes by another name than it was bound to.
type unixListener struct {
	*net.UnixListener
	path   string
	remove func() error
}

// Addr names the socket where it is, not where it was bound.
func (l *unixListener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: "unix"} }

// Close removes the socket, and only then stops listening: as long as it listens,
// no successor takes its place, so that none can lose its own socket here.
func (l *unixListener) Close() error { return errors.Join(l.remove(), l.UnixListener.Close()) }

// removeOurs removes the socket unless someone has put another file in its place.
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
