package owner

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestRaceOfProcesses is TestRace with eight processes: of those that claim a folder at a time just one is its owner. The folder
// is new, or was released, or its owner is dead.
func TestRaceOfProcesses(t *testing.T) {
	const racer = "VAELAB_TEST_RACER" // makes a process of this program one of the eight
	if os.Getenv(racer) != "" {
		if err := claimEach(os.Stdin, os.Stdout); err != nil {
			t.Fatal(err)
		}
		return
	}
	type process struct {
		in  io.Writer
		out *bufio.Reader
	}
	var racers []process
	for range 8 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRaceOfProcesses$")
		cmd.Env = append(os.Environ(), racer+"=1")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Wait()
		defer in.Close()
		racers = append(racers, process{in, bufio.NewReader(out)})
	}
	gone := This(Heartbeat)
	gone.Born += "1"
	for round := range 50 {
		dir := t.TempDir()
		switch round % 3 {
		case 1:
			var c clock
			if err := taken(t, c.watch(elsewhere("n0")), dir, 1).Release(); err != nil {
				t.Fatal(err)
			}
		case 2:
			if gone.System == "" {
				continue // the system does not name itself, so no process is known to be dead
			}
			var c clock
			taken(t, c.watch(gone), dir, 1)
		}
		for _, r := range racers {
			if _, err := fmt.Fprintln(r.in, dir); err != nil {
				t.Fatal(err)
			}
		}
		answers := map[string]int{}
		for _, r := range racers {
			line, err := r.out.ReadString('\n')
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			answers[line]++
		}
		if answers["owner\n"] != 1 || answers["held\n"] != 7 {
			t.Fatalf("round %d: got answers %v, want one owner and seven held", round, answers)
		}
	}
}

// claimEach claims the folders that the lines of in name, and answers each with "owner" or "held".
func claimEach(in io.Reader, out io.Writer) error {
	w := &Watch{Me: This(Heartbeat), Now: time.Now}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		claim, err := w.Take(lines.Text())
		switch {
		case err == nil && claim.Check() == nil:
			fmt.Fprintln(out, "owner")
		case errors.As(err, new(*Held)):
			fmt.Fprintln(out, "held")
		default:
			return fmt.Errorf("%s: claim %v: %w", lines.Text(), claim, err)
		}
	}
	return lines.Err()
}
