// Package memory checks whether data fit into memory, because the system may kill a process that uses too much.
package memory

import "fmt"

// A Need is an error: something takes more memory than there is.
type Need struct{ Bytes, Total float64 }

func (n *Need) Error() string {
	return fmt.Sprintf("they need %.3g GB of memory, and this machine has %.3g GB", n.Bytes/1e9, n.Total/1e9)
}

// Fits returns a *Need if so many bytes are more than the total, and nil if the total is 0 for unknown.
func Fits(bytes float64, total uint64) error {
	if total > 0 && bytes > float64(total) {
		return &Need{bytes, float64(total)}
	}
	return nil
}
