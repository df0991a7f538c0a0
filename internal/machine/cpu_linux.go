package machine

import (
	"os"
	"strings"
)

// CPUModel names the model of the first processor, such as "AMD EPYC 9B14", or is empty if the system
// does not say.
func CPUModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	return modelName(string(info))
}

// modelName is the first "model name" of /proc/cpuinfo. Processors that are no x86 have none there.
func modelName(info string) string {
	for line := range strings.Lines(info) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.Join(strings.Fields(value), " ")
		}
	}
	return ""
}
