package admin

import (
	"context"
	"time"
)

// Source says what the page shows. Its methods are safe for concurrent use and return within a few seconds.
type Source interface {
	// Overview returns the state of the plugin as a whole.
	Overview(ctx context.Context) Overview
	// Pods returns all pods that the plugin knows, in any order. The caller does not change the slice.
	Pods(ctx context.Context) []Pod
	// Pod returns what is known of one pod, by its remote namespace and name. ok is false if there is no such pod.
	Pod(ctx context.Context, namespace, name string) (details Details, ok bool)
	// Orphans returns what is known of pods and objects that no request will delete.
	Orphans(ctx context.Context) Orphans
	// Settings returns the configuration, with secrets masked.
	Settings() Settings
}

// Level says how much attention something needs.
type Level string

// The levels.
const (
	Fine Level = "fine"
	Warn Level = "warn"
	Bad  Level = "bad"
)

// Overview is the state of the plugin as a whole.
type Overview struct {
	// Checks are the conditions of /readyz.
	Checks []Check
	Tiles  []Tile
	// Capacity is what the virtual node offers; nil if the plugin does not report it.
	Capacity []Capacity
	// CapacityNote says where the numbers come from, or why there are none.
	CapacityNote string
}

// Check is a condition; Failure is empty if it holds.
type Check struct{ Name, Failure string }

// Tile is one number.
type Tile struct {
	Label, Value string
	// Note is a short addition to the value; it may be empty.
	Note  string
	Level Level
	// Link is a path of the page that says more; it may be empty.
	Link string
}

// Capacity is how much of a resource the virtual node offers, as Kubernetes quantities.
type Capacity struct {
	Resource, Offered, Used string
	// Percent is how much of it is used, from 0 to 100.
	Percent int
}

// Phases that a pod of Kubernetes does not have.
const (
	// PhaseWaiting is a pod that waits for a quota; its remote pod does not exist yet.
	PhaseWaiting = "Waiting"
	// PhaseTerminating is a remote pod whose deletion has begun.
	PhaseTerminating = "Terminating"
)

// Pod is one row of the table.
type Pod struct {
	// Namespace and Name are those of the local pod; empty if they are not known.
	Namespace, Name string
	// RemoteNamespace and RemoteName identify the remote pod, or the one that will be.
	RemoteNamespace, RemoteName string
	// VirtualNode is the virtual node that sent the pod, and Node the remote node that it runs on; empty if not known.
	VirtualNode, Node string
	// Phase is the phase of the pod, or one of the constants above.
	Phase string
	// Reason is one word that says more, such as ImagePullBackOff, and Message a sentence. Both may be empty.
	Reason, Message string
	// Stuck is true if somebody should look at the pod.
	Stuck bool
	// Created is when the remote pod was created, or since when the pod waits for a quota.
	Created  time.Time
	Restarts int
	// Warnings is the number of things that could not be carried over.
	Warnings int
	// Polled is when InterLink last asked this process for the status of the pod; zero if it has not.
	Polled time.Time
}

// Details is what is known of one pod.
type Details struct {
	Pod
	UID, RemoteUID string
	Timeline       []Step
	Containers     []Container
	Objects        []Object
	Warnings       []string
	Events         []Event
	// EventsFailure says why the events could not be read; empty if they were.
	EventsFailure string
}

// Step is one moment in the life of a pod. At is zero if it has not come yet.
type Step struct {
	Name, Note string
	At         time.Time
	Level      Level
}

// Container is a container of the remote pod.
type Container struct {
	Name string
	// Kind is "init", "sidecar" or empty.
	Kind, State, Reason string
	// Message is empty if the text could be one of the user's program.
	Message           string
	Ready             bool
	Restarts          int
	Started, Finished time.Time
	// ExitCode is empty if the container has not ended.
	ExitCode string
	Requests string
}

// Object is an object of the remote cluster that belongs to a pod.
type Object struct {
	Resource, Name, Note string
}

// Event is an event of the remote pod. Message is empty if the text could be one of the user's program.
type Event struct {
	Last            time.Time
	Count           int
	Reason, Message string
	Level           Level
}

// Orphans are what no request will delete.
type Orphans struct {
	// Note says whether this replica searches, and what happens to what it finds.
	Note string
	// Searched is when this replica last searched; zero if it has not.
	Searched time.Time
	Marked   []Orphan
	// Deleted has the number of deleted objects by kind.
	Deleted []Tile
}

// Orphan is a remote pod about which its virtual node does not ask any more.
type Orphan struct {
	Pod
	Since time.Time
}

// Settings is the configuration.
type Settings struct {
	// File is the path of the configuration file; empty if there is none.
	File    string
	Options []Setting
	// Failures are the mistakes of the configuration that was read last, and is not in use; empty if it is.
	Failures []string
}

// Setting is an option. Value is on one line, with secrets masked.
type Setting struct {
	Section, Key, Value, Source, Help string
	// Changed is true if the value does not come from the table of defaults.
	Changed bool
	// Restart is true if the plugin would have another value after a restart: Wanted.
	Restart bool
	Wanted  string
}
