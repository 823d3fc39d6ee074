package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// processorTime returns the processor time that processes have used, in their own code and in the kernel for
// them. Linux counts it in hundredths of a second. It does not depend on what else runs on the machine as
// much as the time on the clock does.
func processorTime(processes ...int) (sum time.Duration, err error) {
	for _, pid := range processes {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, err
		}
		// See proc_pid_stat(5). The second field is a name in parentheses, which can contain spaces.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if len(fields) < 13 {
			return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
		}
		for _, field := range fields[11:13] { // utime and stime
			ticks, err := strconv.Atoi(field)
			if err != nil {
				return 0, fmt.Errorf("/proc/%d/stat: %w", pid, err)
			}
			sum += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	return sum, nil
}

// stopwatch begins to measure the processor time of processes. The result ends that, and adds the time to sum.
func stopwatch(processes ...int) func(sum *time.Duration) error {
	before, err := processorTime(processes...)
	return func(sum *time.Duration) error {
		if err != nil {
			return err
		}
		after, err := processorTime(processes...)
		*sum += after - before
		return err
	}
}

// apiServerProcesses returns the API server, etcd and the garbage collector: the children of this process
// that the bench has not started.
func (b *Bench) apiServerProcesses() (processes []int, err error) {
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		return nil, err
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			return nil, err
		}
		for field := range strings.FieldsSeq(string(text)) {
			pid, err := strconv.Atoi(field)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", list, err)
			}
			if !slices.Contains(b.launched, pid) {
				processes = append(processes, pid)
			}
		}
	}
	return processes, nil
}
