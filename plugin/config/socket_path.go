package config

import (
	"fmt"
	"path"
)

const (
	// maxSocketPath is the longest path of a unix socket that Linux can bind, in bytes:
	// 108 bytes with the terminating zero byte (unix(7)).
	maxSocketPath = 107
	// privateSocket is the longest path, within the folder of the socket, at which the
	// server binds the socket before it renames it. The name of that private folder has
	// at most ten digits (os.MkdirTemp).
	privateSocket = "/0123456789/s"
)

// CheckSocketPath returns an error if the server cannot listen at an absolute path of a
// unix socket, because that path, or the path at which the server first binds the
// socket, is too long for Linux.
func CheckSocketPath(socket string) error {
	socket = path.Clean(socket)
	tooLong := max(len(socket), len(path.Dir(socket))+len(privateSocket)) - maxSocketPath
	if tooLong > 0 {
		return fmt.Errorf("the path of the unix socket is %d bytes too long (the limit is %d bytes): %s", tooLong, maxSocketPath, socket)
	}
	return nil
}
