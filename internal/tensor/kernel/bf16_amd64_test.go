//go:build !f64

package kernel

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAVX512BF16: the generator's bytes for the instructions are those that binutils' disassembler reads so.
func TestAVX512BF16(t *testing.T) {
	objdump, err := exec.LookPath("objdump")
	if err != nil {
		t.Skip("objdump is missing (apt install binutils)")
	}
	f, err := os.Open("kernel_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var want []string
	var code []byte
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "// V")
		name, operands, _ := strings.Cut(text, " ")
		if !ok || !strings.Contains(name, "BF16") {
			continue
		}
		want = append(want, "v"+strings.ToLower(name)+" "+operands)
		for _, d := range []struct {
			directive string
			size      int
		}{{"LONG", 4}, {"WORD", 2}} {
			lines.Scan()
			var n uint32
			if _, err := fmt.Sscanf(strings.TrimSpace(lines.Text()), d.directive+" $0x%x", &n); err != nil {
				t.Fatalf("%q: %v", lines.Text(), err)
			}
			for range d.size {
				code, n = append(code, byte(n)), n>>8
			}
		}
	}
	if len(want) < 100 {
		t.Fatalf("%d instructions in kernel_amd64.s", len(want))
	}
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(objdump, "-D", "-b", "binary", "-m", "i386:x86-64", "--no-show-raw-insn", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		if _, text, ok := strings.Cut(line, ":\t"); ok {
			got = append(got, strings.Join(strings.Fields(text), " "))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d instructions, and objdump reads %d", len(want), len(got))
	}
	for i, instruction := range want {
		form := strings.NewReplacer("Y", "%ymm", "Z", "%zmm", ", ", ",").Replace(instruction)
		if got[i] != form {
			t.Fatalf("instruction %d is %s, and objdump reads %s", i, form, got[i])
		}
	}
}

// TestPairs: rows and neighbours of any number are paired as single numbers are, special ones among them.
func TestPairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	bits := func() float32 {
		return math.Float32frombits(rng.Uint32() & [...]uint32{^uint32(0), 0x807fffff, 0xffff8000}[rng.IntN(3)])
	}
	special := []float32{0, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), math.Float32frombits(0xff800001), math.MaxFloat32, 0x1p-126, 0x1p-149}
	for n := range 140 {
		x, y := make([]float32, n), make([]float32, n)
		for i := range n {
			x[i], y[i] = bits(), bits()
			if rng.IntN(8) == 0 {
				x[i], y[i] = special[rng.IntN(len(special))], special[rng.IntN(len(special))]
			}
		}
		at := func(x []float32, i int) float32 {
			if i < len(x) {
				return x[i]
			}
			return 0
		}
		rows, alone, along := make([]float32, n), make([]float32, n), make([]float32, (n+1)/2)
		PairRows(rows, x, y)
		PairRows(alone, x, nil)
		PairAlong(along, x)
		check := func(what string, i int, got, first, second float32) {
			if want := pair(first, second); math.Float32bits(got) != math.Float32bits(want) {
				t.Fatalf("%s of %d, number %d of %x and %x: %x, want %x", what, n, i, math.Float32bits(first), math.Float32bits(second), math.Float32bits(got), math.Float32bits(want))
			}
		}
		for i := range n {
			check("PairRows", i, rows[i], x[i], y[i])
			check("PairRows without a second row", i, alone[i], x[i], 0)
		}
		for p := range along {
			check("PairAlong", p, along[p], x[2*p], at(x, 2*p+1))
		}
	}
}
