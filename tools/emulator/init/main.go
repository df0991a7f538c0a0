//go:build linux

// Init is the first process of the emulated machine (../run.sh). It runs /program with the arguments in /arguments and
// the environment in /environment, prints its exit status to the console and waits for the end.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

func main() {
	status := 125
	if err := run(); err == nil {
		status = 0
	} else if exit, ok := err.(*exec.ExitError); ok && exit.Exited() {
		status = exit.ExitCode()
	} else {
		fmt.Println("emulator:", err)
	}
	// The script looks for this line, and then ends the machine.
	fmt.Printf("\nemulator: exit status %d\n", status)
	syscall.Pause()
}

func run() error {
	for _, m := range []struct{ kind, at string }{{"proc", "/proc"}, {"devtmpfs", "/dev"}, {"sysfs", "/sys"}, {"tmpfs", "/tmp"}} {
		if err := os.MkdirAll(m.at, 0o755); err != nil {
			return err
		}
		if err := syscall.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	arguments, err := list("/arguments")
	if err != nil {
		return err
	}
	environment, err := list("/environment")
	if err != nil {
		return err
	}
	c := exec.Command("/program", arguments...)
	c.Env, c.Dir, c.Stdout, c.Stderr = environment, "/tmp", os.Stdout, os.Stderr
	return c.Run()
}

// list reads strings that each end with a zero byte.
func list(name string) ([]string, error) {
	b, err := os.ReadFile(name)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00"), nil
}
