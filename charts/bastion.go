// Package charts holds the Helm charts, and gives the plugin the one that it installs itself.
package charts

import (
	"embed"
	"io/fs"
)

// "all:" because the name of a file of helpers begins with an underscore.
//
//go:embed all:tcp-tunnel/bastion
var tcpTunnel embed.FS

// Bastion returns the chart of the bastion, the remote end of a TCP tunnel: Chart.yaml stands at its root.
func Bastion() fs.FS {
	chart, err := fs.Sub(tcpTunnel, "tcp-tunnel/bastion")
	if err != nil {
		panic(err) // only for a path that is not one
	}
	return chart
}
