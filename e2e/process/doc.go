// Package process runs programs for tests: in their own process group, with their
// output in a file, and so that nothing of them runs longer than the test.
//
//	p, err := process.Start(process.Spec{Path: "/bin/server", Log: filepath.Join(dir, "server.log")})
//	defer p.Stop()
//
// It knows nothing about what the programs do.
package process
