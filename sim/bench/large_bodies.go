package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
)

// largeBodies are the requests of the line "large bodies": their number, and their size in MB.
const (
	largeBodyCalls = 8
	largeBodySize  = 60
)

// memoryOfLargeBodies measures the memory of the program while many callers send large creates
// at once. The API server refuses these pods, so that nothing is left.
func memoryOfLargeBodies() Measurement {
	return Measurement{"memory of large bodies", func(ctx context.Context, b *Bench) (_ []Line, err error) {
		p, err := b.start(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		folder := fmt.Sprintf("/proc/%d/", p.process.Process.Pid)
		_ = os.WriteFile(folder+"clear_refs", []byte("5"), 0) // forgets the peak of the start
		body := largeCreate(largeBodySize << 20)
		failures := make([]error, largeBodyCalls)
		var calls sync.WaitGroup
		for i := range failures {
			calls.Go(func() {
				_, err := p.call(ctx, http.MethodPost, "/create", body)
				if err == nil {
					failures[i] = errors.New("a create that is too large for the API server succeeds")
				}
			})
		}
		calls.Wait()
		peak := memory(folder, "VmHWM")
		if err := errors.Join(failures...); err != nil || peak == 0 {
			return nil, err
		}
		name := fmt.Sprintf("resident memory, peak of %d creates of %d MB at once", largeBodyCalls, largeBodySize)
		return []Line{{Name: name, Unit: "MB", Figure: peak, Value: peak, ValueUnit: "MB", Goal: atMost(300)}}, nil
	}}
}

// largeCreate returns a create request of a pod with a ConfigMap of many MB in many keys, of a
// size in bytes.
func largeCreate(size int) []byte {
	const valueSize = 1 << 20
	value := strings.Repeat("a", valueSize)
	var body bytes.Buffer
	body.Grow(size + valueSize)
	body.WriteString(`{"pod":{"metadata":{"name":"large","namespace":"large","uid":"large"},"spec":{"nodeName":"bench",` +
		`"containers":[{"name":"main","image":"none"}]}},"container":[{"name":"main","configMaps":[{"metadata":{"name":"large"},"data":{`)
	for i := 0; body.Len() < size-valueSize; i++ {
		fmt.Fprintf(&body, `"key%d":"%s",`, i, value)
	}
	body.WriteString(`"last":""}}]}]}`)
	return body.Bytes()
}
