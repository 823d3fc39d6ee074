package node

import "time"

// Clock is the time of the simulated nodes. The clocks of k8s.io/utils/clock implement it.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// ScaledClock returns a clock that starts at the present time and runs speed times as
// fast as real time.
func ScaledClock(speed float64) Clock { return &scaledClock{time.Now(), speed} }

type scaledClock struct {
	start time.Time
	speed float64
}

// Now returns the scaled time.
func (c *scaledClock) Now() time.Time {
	return c.start.Add(time.Duration(float64(time.Since(c.start)) * c.speed))
}

// After waits for a duration in scaled time.
func (c *scaledClock) After(d time.Duration) <-chan time.Time {
	return time.After(time.Duration(float64(d) / c.speed))
}
