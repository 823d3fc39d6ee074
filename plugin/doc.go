// Package plugin composes the plugin from its packages: config, cluster, lifecycle and
// server.
//
// It decides the order in which the parts start and stop. Everything else is in those
// packages. It must not know the simulator, flags or signals.
package plugin
