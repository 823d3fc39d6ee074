package reload

import (
	"slices"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// State is with which configuration the plugin runs, and which one its sources have. It is immutable.
type State struct {
	// Running has an effect now.
	Running config.Config
	// Wanted is the last valid configuration that was read.
	Wanted config.Config
}

// Start returns the state of a plugin that starts with a configuration.
func Start(started config.Config) State { return State{Running: started, Wanted: started} }

// Changes are what one reload changes. The options have their names for people, in the order of the table.
type Changes struct {
	// Applied have another value from now on.
	Applied []string
	// Restart have another value than before, which needs a restart.
	Restart []string
	// Back needed a restart, and have the value again with which the plugin runs.
	Back []string
}

// Next returns the state after a valid configuration was read, and what is different.
func (s State) Next(wanted config.Config) (State, Changes) {
	next := State{Running: config.Reloaded(s.Running, wanted), Wanted: wanted}
	var changes Changes
	waiting := next.Restart()
	for _, option := range config.Changes(s.Wanted, wanted) {
		switch name := option.Name(); {
		case option.Reload:
			changes.Applied = append(changes.Applied, name)
		case slices.Contains(waiting, name):
			changes.Restart = append(changes.Restart, name)
		default:
			changes.Back = append(changes.Back, name)
		}
	}
	return next, changes
}

// Restart returns the names of the options whose wanted value needs a restart.
func (s State) Restart() []string {
	var names []string
	for _, option := range config.Changes(s.Running, s.Wanted) {
		names = append(names, option.Name())
	}
	return names
}
