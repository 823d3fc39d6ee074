package podstate

// Reasons that the kubelet gives for the state of a container.
const (
	// ReasonCreating is the reason of a container that waits to be created.
	ReasonCreating = "ContainerCreating"
	// ReasonInitializing is the reason of a container that waits for the pod's init
	// containers.
	ReasonInitializing = "PodInitializing"
	// ReasonBackOff is the reason of a container that waits before it is restarted.
	ReasonBackOff = "CrashLoopBackOff"
	// ReasonRestartingAll is the reason of a container that the kubelet terminated in
	// order to restart all containers of the pod.
	ReasonRestartingAll = "RestartingAllContainers"
	// ReasonUnknown is the reason of a container that the kubelet did not find when it
	// terminated the pod. Its message says only that.
	ReasonUnknown = "ContainerStatusUnknown"
)
