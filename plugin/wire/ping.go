package wire

// PingResponse is the answer to a ping that says what the virtual node offers
// (docs/contract.md, PING-4 and PING-5).
type PingResponse struct {
	Status    string         `json:"status,omitempty"`
	Resources *PingResources `json:"resources,omitempty"`
}

// PingResources is what the virtual node offers. A field that is empty changes nothing.
type PingResources struct {
	// Pods is the number of pods, as a quantity.
	Pods string `json:"pods,omitempty"`
}
