package bench

// cachedPods are the remote pods that the lines about the pod cache share.
type cachedPods struct{}
