package bench

import "context"

// Measurement measures one or more lines of the table.
type Measurement struct {
	Name string
	Run  func(ctx context.Context, b *Bench) ([]Line, error)
}

// Measurements returns all measurements in the order of the table. Those that need the cached pods come
// last.
func Measurements() []Measurement {
	var all []Measurement
	for _, kind := range podKinds {
		for _, atOnce := range []int{1, 8, 32} {
			all = append(all, createAndDelete(kind, atOnce))
		}
	}
	return append(all,
		burst(),
		statusOfOne(),
		remoteCallsOfStatus(),
		statusAmongMany(),
		statusOfManyInOneCall(),
		costOfTraces(),
		memoryOfLargeBodies(),
		memoryOfCachedPods(),
		eventToAnswer(),
		startToReady(),
	)
}
