// Package charts contains the Helm charts. It embeds the chart that the plugin itself
// installs.
package charts

import (
	"embed"
	"io/fs"
)

// "all:" includes _helpers.tpl, whose name begins with an underscore.
//
//go:embed all:tcp-tunnel/bastion
var tcpTunnel embed.FS

// Bastion returns the chart of the bastion, the remote end of a TCP tunnel. Chart.yaml is
// in its root folder.
func Bastion() fs.FS {
	chart, err := fs.Sub(tcpTunnel, "tcp-tunnel/bastion")
	if err != nil {
		panic(err) // impossible: the path is valid
	}
	return chart
}
