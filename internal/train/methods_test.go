package train

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"vaelab/internal/vae"
	"vaelab/variants"
)

// TestMethodsResume: a trial of every registered method that is stopped after every few steps, within epochs and at their
// ends, has the bytes of an uninterrupted one. Controllers and ramps have settings by which they move in so few steps.
func TestMethodsResume(t *testing.T) {
	moving := map[string]vae.Method{
		"capacity":    variants.Capacity{C: 1, Gamma: 2, Steps: 30},
		"control-vae": variants.ControlVAE{C: 0.1, Kp: 0.3, Ki: 0.02, Mode: "to-1"},
		"geco":        variants.GECO{Kappa: 45, Alpha: 0.9, Nu: 0.01},
	}
	settings := Defaults
	settings.Epochs, settings.LogEvery, settings.IWSamples = 2, 4, 3 // 10 steps in an epoch
	for _, name := range variants.Methods.Names() {
		t.Run(name, func(t *testing.T) {
			method, ok := moving[name]
			if !ok {
				var err error
				if method, err = variants.Methods.Get(name); err != nil {
					t.Fatal(err)
				}
			}
			whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
			if err := runTo(t, context.Background(), settings, whole, Hooks{}, method); err != nil {
				t.Fatal(err)
			}
			stops := interrupted(t, settings, parts, 3, method, func() {})
			if stops < 5 {
				t.Errorf("only %d stops", stops)
			}
			for _, file := range []string{"rows.jsonl", ModelFile} {
				if !bytes.Equal(read(t, filepath.Join(whole, file)), read(t, filepath.Join(parts, file))) {
					t.Errorf("%s of a trial that was stopped %d times differs", file, stops)
				}
			}
		})
	}
}
