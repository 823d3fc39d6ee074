// Package profile reads the profile of a plugin: what the plugin offers, and how a
// replay must treat it to be fair (images that it can run, time that it needs, ways to
// look at what it runs).
//
// It is data alone: no plugin is called and no command is run. It must not know how
// scenarios are played.
package profile
