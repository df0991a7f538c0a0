package owner

import (
	"fmt"
	"os"
	"strings"
)

// born is when a process started, in ticks of the system's clock; empty if there is none of that number, or it has ended
// and only waits to be noticed by its parent.
func born(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The second field is the program's name in parentheses, which may contain anything.
	after := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const state, start = 0, 19 // fields 3 and 22 of proc(5)
	if len(after) <= start || after[state] == "Z" || after[state] == "X" {
		return ""
	}
	return after[start]
}
