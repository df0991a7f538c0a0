package machine

import "syscall"

// CPUModel names the model of the processor, such as "Apple M2", or is empty if the system does not say.
func CPUModel() string {
	name, err := syscall.Sysctl("machdep.cpu.brand_string")
	if err != nil {
		return ""
	}
	return name
}
