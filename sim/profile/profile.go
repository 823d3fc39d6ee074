package profile

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// APIVersion and Kind of a profile.
const (
	APIVersion = "sim.interlink.io/v1alpha1"
	Kind       = "PluginProfile"
)

// Profile says how a replay treats a plugin. The zero value is a plugin about which
// nothing is known: it declares no capabilities, and nothing is changed for it.
type Profile struct {
	// Name of the plugin, for the report.
	Name string
	Spec
}

// Spec is the spec of the document.
type Spec struct {
	// Capabilities are those that the plugin declares (sim/scenario has their names). A
	// scenario that needs another one is skipped.
	Capabilities []string `json:"capabilities,omitempty"`
	// Images replaces images: the key is an image of a scenario, or "*" for all others.
	Images map[string]string `json:"images,omitempty"`
	// Commands replaces the beginning of commands: {"sh": ["/bin/sh"]}.
	Commands map[string][]string `json:"commands,omitempty"`
	// Annotations and Env are added to every pod, and to every container.
	Annotations map[string]string `json:"annotations,omitempty"`
	Env         map[string]string `json:"env,omitempty"`
	// MissingImage is an image that cannot be pulled, in place of that of a scenario.
	MissingImage string `json:"missingImage,omitempty"`
	// ImpossibleRequest are resources that can never be met, in place of a scenario's.
	ImpossibleRequest map[string]string `json:"impossibleRequest,omitempty"`
	// Slack is how much longer everything may take than with a plugin that answers at
	// once, such as the interval of a scheduler and of a cache of states.
	Slack metav1.Duration `json:"slack,omitempty"`
	// SlackPerPod is added to Slack for each pod of a scenario, such as the time of a cache
	// that refreshes the state of one pod at a time. Containers that run for less time, for
	// all pods together, need not be shown as running.
	SlackPerPod metav1.Duration `json:"slackPerPod,omitempty"`
	// LogPreamble allows lines of the job before and after those of a container in its log.
	LogPreamble bool `json:"logPreamble,omitempty"`
	// Parallel is how many scenarios the plugin can play at once; the default is 8.
	Parallel int `json:"parallel,omitempty"`
	// Left says how to see the plugin's jobs without a kubeconfig.
	Left *Left `json:"left,omitempty"`
	// Restart is a shell command that restarts the plugin.
	Restart string `json:"restart,omitempty"`
}

// Left is a command that lists jobs.
type Left struct {
	// Command is a shell command that prints one line for each job that exists:
	// "squeue -h".
	Command string `json:"command"`
	// ByUID says that each line has the UID of the job's pod. Otherwise the lines are
	// counted, and the scenarios that count them are played one after the other.
	ByUID bool `json:"byUID,omitempty"`
}
