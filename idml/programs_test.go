// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"bytes"
	"slices"
	"testing"

	"introspection/internal/backendtest"
)

// A model that takes over another, new or in the middle of its training, goes on as that one would, bit for bit, by the programs that it has.
func TestTakeOver(t *testing.T) {
	c := tinyConfig()
	c.Mixing.Method = NoMixing
	b := backendtest.Open(t)
	step := func(m *Model, n int) (losses []float64) {
		t.Helper()
		trainer, err := NewTrainer(b, m)
		if err != nil {
			t.Fatal(err)
		}
		for batch, err := range smallData(c).Train(0, 0).Iter() {
			if err != nil {
				t.Fatal(err)
			}
			if len(losses) == n {
				break
			}
			loss, err := trainer.Step(StepInput{Images: batch.Inputs[0], Labels: batch.Labels[0], LearningRate: 1e-3})
			if err != nil {
				t.Fatal(err)
			}
			losses = append(losses, loss)
		}
		return losses
	}
	saved := func(m *Model) []byte {
		t.Helper()
		var out bytes.Buffer
		if err := m.Save(&out, State{Step: 1}); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	m := newModel(t, c)
	step(m, 2)
	programs := m.Programs()
	other := c
	other.Seed, other.Epochs, other.Optimizer.LearningRate = 9, 3, 1
	fresh, begun := newModel(t, other), newModel(t, other)
	step(begun, 2)
	for name, from := range map[string]*Model{"new": fresh, "begun": begun} {
		if ok, err := m.TakeOver(from); err != nil || !ok {
			t.Fatalf("%s: %v, %v", name, ok, err)
		}
		got, want := step(m, 2), step(from, 2)
		if got[0] != want[0] || got[1] != want[1] || !bytes.Equal(saved(m), saved(from)) {
			t.Errorf("%s: losses %v, want %v", name, got, want)
		}
		if m.config.Seed != 9 || m.Programs() != programs {
			t.Errorf("%s: seed %d; %d programs, want %d", name, m.config.Seed, m.Programs(), programs)
		}
	}
	before := saved(m)
	for name, change := range map[string]func(c *Config){
		"τ": func(c *Config) { c.Metric.Tau *= 2 }, "augmentation": func(c *Config) { c.Data.Augment = !c.Data.Augment },
		"batches": func(c *Config) { c.Data.BatchSize *= 2 }, "image size": func(c *Config) { c.Data.ImageSize *= 2 },
	} {
		another := other
		change(&another)
		if ok, err := m.TakeOver(newModel(t, another)); err != nil || ok || !bytes.Equal(before, saved(m)) {
			t.Errorf("another %s: %v, %v", name, ok, err)
		}
	}
	if more, err := NewModel(c, m.Classes()+1); err != nil {
		t.Error(err)
	} else if ok, err := m.TakeOver(more); err != nil || ok {
		t.Errorf("another number of classes: %v, %v", ok, err)
	}
}

// What a step that failed leaves, on one device or several, is no hindrance: it has given its values away and got none back.
func TestTakeOverAfterFailure(t *testing.T) {
	c := onDevices(Paper, "proxy-anchor", FrozenBatchNorm)
	for _, devices := range []int{1, 2} {
		needDevices(t, devices)
		m, other := newModel(t, c), newModel(t, c)
		want := stepsOn(t, newModel(t, c), smallData(c), devices)
		stepsOn(t, m, smallData(c), devices)
		for v := range m.store.IterVariables() {
			if err := v.Reset(); err != nil {
				t.Fatal(err)
			}
		}
		if ok, err := m.TakeOver(other); err != nil || !ok {
			t.Fatalf("%d devices: %v, %v", devices, ok, err)
		}
		if got := stepsOn(t, m, smallData(c), devices); !slices.Equal(got, want) {
			t.Errorf("%d devices: losses %v, want %v", devices, got, want)
		}
	}
}
