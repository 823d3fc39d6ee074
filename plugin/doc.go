// Package plugin composes the plugin from its rooms: configuration, remote
// cluster, lifecycle, server.
//
// It decides what is started in which order and what ends first; everything
// else is in the rooms. It must not know the simulator, flags or signals.
package plugin
