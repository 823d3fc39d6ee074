package scenario

// Level says which plugins a scenario judges.
type Level string

// The levels.
const (
	// LevelCore is what InterLink needs of every plugin, whatever it runs pods on.
	LevelCore Level = "core"
	// LevelOptional is what a plugin may offer: the scenario names the capabilities.
	LevelOptional Level = "optional"
	// LevelKubernetes is what only a plugin for a remote Kubernetes cluster can do.
	LevelKubernetes Level = "kubernetes"
	// LevelThisPlugin is what this plugin alone promises: its options, texts and objects.
	LevelThisPlugin Level = "this-plugin"
)

// Levels are all levels, from the most general one.
var Levels = []Level{LevelCore, LevelOptional, LevelKubernetes, LevelThisPlugin}

// Capability is something that a plugin may offer, such as the log of the previous run. A
// plugin declares its capabilities in its profile (sim/profile).
type Capability string

// The capabilities.
const (
	CapabilityRestarts      Capability = "restarts"        // containers run again, with a restart count
	CapabilityInitStatus    Capability = "init-status"     // the states of init containers are shown
	CapabilitySidecars      Capability = "native-sidecars" // init containers that run as long as the pod
	CapabilityPreviousLogs  Capability = "previous-logs"
	CapabilityTimestamps    Capability = "log-timestamps"
	CapabilityFollow        Capability = "log-follow"
	CapabilitySince         Capability = "log-since"
	CapabilityTail          Capability = "log-tail"
	CapabilityBytes         Capability = "log-bytes"
	CapabilityMesh          Capability = "mesh"
	CapabilityTunnel        Capability = "tunnel"
	CapabilityClaims        Capability = "claims"
	CapabilityProjected     Capability = "projected"      // files of projected volumes and of the downward API
	CapabilityPluginRestart Capability = "plugin-restart" // pods go on while the plugin restarts
)

// Capabilities are all capabilities.
var Capabilities = []Capability{
	CapabilityRestarts, CapabilityInitStatus, CapabilitySidecars, CapabilityPreviousLogs, CapabilityTimestamps, CapabilityFollow,
	CapabilitySince, CapabilityTail, CapabilityBytes, CapabilityMesh, CapabilityTunnel, CapabilityClaims, CapabilityProjected, CapabilityPluginRestart,
}

// Aspect is a part of the result that a scenario compares. A scenario passes only if
// each aspect that it must observe was observed; otherwise it is not judged.
type Aspect string

// The aspects.
const (
	// AspectRun means that the containers really ran: they wrote a line that no plugin could
	// have known before, or the remote cluster shows it.
	AspectRun Aspect = "run"
	// AspectEnv and AspectFiles are the variables and files inside the containers.
	AspectEnv   Aspect = "env"
	AspectFiles Aspect = "files"
	// AspectRemote are the objects of the remote cluster while the pods exist.
	AspectRemote Aspect = "remote"
	// AspectJobs means that each pod runs once, whatever was sent twice.
	AspectJobs Aspect = "jobs"
	// AspectLeft means that nothing is left when the pods are deleted.
	AspectLeft Aspect = "left"
)

// Aspects are all aspects.
var Aspects = []Aspect{AspectRun, AspectEnv, AspectFiles, AspectRemote, AspectJobs, AspectLeft}
