// size prints what each feature of a Go program for Linux adds to its size, and fails if the program is too large.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "size:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("size", flag.ContinueOnError)
	limit := flags.Int64("max", 0, "fail if the program has this many bytes or more; 0: no limit")
	packages := flags.Bool("packages", false, "print the packages of each part")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("want the file of one program, got %q", flags.Args())
	}
	file := flags.Arg(0)
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	code, err := codeOf(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if err := write(out, file, info.Size(), parts(code), *packages); err != nil {
		return err
	}
	if *limit > 0 && info.Size() >= *limit {
		return fmt.Errorf("%s has %d bytes, but must have fewer than %d", file, info.Size(), *limit)
	}
	return nil
}
