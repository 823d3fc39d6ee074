package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"time"
)

// memoryOfCachedPods measures the heap of a plugin with and without cached pods.
func memoryOfCachedPods() Measurement {
	return Measurement{"memory of cached pods", func(ctx context.Context, b *Bench) (_ []Line, err error) {
		pods, err := b.cachedPods(ctx)
		if err != nil {
			return nil, err
		}
		before := heap()
		p, err := b.startInProcess(ctx)
		if err != nil {
			return nil, err
		}
		after := heap()
		if err := p.stop(); err != nil {
			return nil, err
		}
		each := (float64(after) - float64(before)) / 1024 / float64(pods.total())
		lines := []Line{{Name: fmt.Sprintf("heap for each of %d cached pods", pods.total()), Unit: "KB", Figure: each, Value: each, ValueUnit: "KB", Goal: atMost(4)}}
		resident, err := b.residentMemory(ctx, pods)
		return append(lines, resident...), err
	}}
}

// heap returns the size of the live objects.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // frees what finalizers and pools have kept
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// residentMemory measures the memory of the program: some time after its start, and at the peak of a
// status call for many pods. The figures are only for information. There is none on a system without Linux'
// /proc.
func (b *Bench) residentMemory(ctx context.Context, pods *cachedPods) (_ []Line, err error) {
	p, err := b.start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	select {
	case <-time.After(b.sizes.Idle):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	batch := pods.many[:min(b.sizes.Batch, len(pods.many))]
	folder := fmt.Sprintf("/proc/%d/", p.process.Process.Pid)
	idle := memory(folder, "VmRSS")
	_ = os.WriteFile(folder+"clear_refs", []byte("5"), 0) // forgets the peak of the start
	if _, err := p.call(ctx, http.MethodGet, "/status", statusBody(batch...)); err != nil {
		return nil, err
	}
	peak := memory(folder, "VmHWM")
	if idle == 0 || peak == 0 {
		return nil, nil
	}
	return []Line{
		{Name: fmt.Sprintf("resident memory with %d cached pods, idle", pods.total()), Unit: "MB", Figure: idle, Value: idle, ValueUnit: "MB"},
		{Name: fmt.Sprintf("resident memory, peak of a status call for %d pods", len(batch)), Unit: "MB", Figure: peak, Value: peak, ValueUnit: "MB"},
	}, nil
}

// memory returns a field of a process's status in MB, or 0.
func memory(folder, field string) float64 {
	text, _ := os.ReadFile(folder + "status")
	found := regexp.MustCompile(`(?m)^` + field + `:\s*(\d+) kB$`).FindSubmatch(text)
	if found == nil {
		return 0
	}
	kilobytes, _ := strconv.ParseFloat(string(found[1]), 64) // digits only
	return kilobytes / 1024
}
