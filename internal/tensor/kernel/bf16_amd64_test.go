//go:build !f64

package kernel

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestVDPBF16PS: the generator's bytes for the instruction are those that binutils' disassembler reads so.
func TestVDPBF16PS(t *testing.T) {
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
		operands, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "// VDPBF16PS ")
		if !ok {
			continue
		}
		want = append(want, operands)
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
			if mnemonic, operands, _ := strings.Cut(strings.TrimSpace(text), " "); mnemonic == "vdpbf16ps" {
				text = strings.TrimSpace(operands)
			}
			got = append(got, text)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d instructions, and objdump reads %d", len(want), len(got))
	}
	for i, operands := range want {
		form := strings.NewReplacer("Y", "%ymm", "Z", "%zmm", ", ", ",").Replace(operands)
		if got[i] != form {
			t.Fatalf("instruction %d is %s, and objdump reads %s", i, form, got[i])
		}
	}
}
