// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"strings"
	"testing"

	"introspection/datasets"
	"introspection/idml"
)

// The images that were held out are of classes that are neither trained on nor tested.
func TestHeldOut(t *testing.T) {
	cfg := idml.Glyphs()
	task, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := task.heldOut(); err == nil || !strings.Contains(err.Error(), "data.validation") {
		t.Errorf("nothing was held out, and the error is %v", err)
	}
	cfg.Data.Validation = 0.25
	if task, err = Open(cfg); err != nil {
		t.Fatal(err)
	}
	of, err := task.heldOut()
	if err != nil {
		t.Fatal(err)
	}
	classes := func(d *datasets.Dataset) map[string]bool {
		names := map[string]bool{}
		for _, e := range d.Examples {
			names[d.Classes[e.Label]] = true
		}
		return names
	}
	held := classes(of.Split.Test)
	if len(held) != 21 || of.test.Data != of.Split.Test || task.Split.Test == of.Split.Test {
		t.Errorf("%d classes are held out, want a quarter of 84", len(held))
	}
	for name := range held {
		if classes(task.Split.Train)[name] || classes(task.Split.Test)[name] {
			t.Errorf("%s is trained on or tested", name)
		}
	}
}
