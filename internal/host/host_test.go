package host

import (
	"os"
	"os/exec"
	"regexp"
	"testing"
)

// TestID: another process on this host finds the same name.
func TestID(t *testing.T) {
	if os.Getenv("VAELAB_HOST_TEST") != "" {
		os.Stdout.WriteString(ID())
		os.Exit(0)
	}
	cmd := exec.Command(os.Args[0], "-test.run=TestID")
	cmd.Env = append(os.Environ(), "VAELAB_HOST_TEST=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(out) != ID() || !regexp.MustCompile(`^[0-9a-f]{8}$`).MatchString(ID()) {
		t.Errorf("this process says %q, another %q", ID(), out)
	}
}
