package wire

// PingResponse is the answer to a ping that says what the virtual node offers
// (docs/contract.md, PING-4 to PING-6).
type PingResponse struct {
	Status    string         `json:"status,omitempty"`
	Resources *PingResources `json:"resources,omitempty"`
	// Taints replace all taints of the node but InterLink's own, also if there are none in the
	// list; nil changes nothing.
	Taints *[]PingTaint `json:"taints,omitempty"`
}

// PingResources is what the virtual node offers, as quantities. A field that is empty changes nothing.
type PingResources struct {
	CPU    string `json:"cpu,omitempty"`
	Memory string `json:"memory,omitempty"`
	// Pods is the number of pods, a whole number.
	Pods string `json:"pods,omitempty"`
	// Accelerators are all other resources.
	Accelerators []PingAccelerator `json:"accelerators,omitempty"`
}

// PingAccelerator is a resource that is neither CPU nor memory nor pods. InterLink takes any name for its
// type (PING-10).
type PingAccelerator struct {
	ResourceType string `json:"resourceType"`
	// Available is a whole number.
	Available string `json:"available"`
}

// PingTaint is a taint of the virtual node.
type PingTaint struct {
	Key    string `json:"key"`
	Value  string `json:"value,omitempty"`
	Effect string `json:"effect"`
}
