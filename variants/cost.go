package variants

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
)

//go:embed cost.csv
var costTable string

// Cost is what a trial of a method takes in CPU seconds, as a multiple of vanilla's, by name: medians over the seeds of the
// published experiment remedies. A method that was measured only beside another is not in it.
var Cost = sync.OnceValue(func() map[string]float64 {
	all := map[string]float64{}
	for line := range strings.Lines(costTable) {
		name, ratio, _ := strings.Cut(strings.TrimSpace(line), ",")
		if r, err := strconv.ParseFloat(ratio, 64); err == nil { // the first line names the columns
			all[name] = r
		}
	}
	return all
})
