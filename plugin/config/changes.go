package config

// Changes returns the options whose values differ between two configurations, in the order of the table.
func Changes(before, after Config) []Option {
	var changed []Option
	for _, option := range table {
		if !option.set.same(&before, &after) {
			changed = append(changed, option)
		}
	}
	return changed
}

// Reloaded returns the configuration of a plugin that runs with one configuration and takes over another: the values of
// the options that can be reloaded are those of wanted, all others those of running.
func Reloaded(running, wanted Config) Config {
	for _, option := range table {
		if option.Reload {
			option.set.copy(&running, &wanted)
		}
	}
	return running
}
