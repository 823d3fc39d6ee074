// Package process runs programs for tests: in a process group of their own, with
// their output in a file, and so that nothing of them outlives the test.
//
//	p, err := process.Start(process.Spec{Path: "/bin/server", Log: filepath.Join(dir, "server.log")})
//	defer p.Stop()
//
// It knows nothing of what the programs do.
package process
