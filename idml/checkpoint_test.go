// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/weights"
	"introspection/internal/backendtest"
)

// checkpoint returns a checkpoint of a new model with the optimizer's state, and the model.
func checkpoint(t *testing.T, c Config, s State) (*Model, []byte) {
	t.Helper()
	m := newModel(t, c)
	if _, err := NewTrainer(backendtest.Open(t), m); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := m.Save(&file, s); err != nil {
		t.Fatal(err)
	}
	return m, file.Bytes()
}

func TestCheckpointRoundTrip(t *testing.T) {
	c := tinyConfig()
	state := State{Epoch: 3, Batch: 2, Step: 20, LossSum: 1.25, LossCount: 2, Seconds: 1.5, Best: Evaluation{Epoch: 2, Metrics: map[string]float64{"recall@1": 1.0 / 3}}}
	saved, file := checkpoint(t, c, state)
	loaded, got, err := Load(bytes.NewReader(file), c)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(state, got); diff != "" {
		t.Errorf("state (-saved +loaded):\n%s", diff)
	}
	if loaded.Classes() != saved.Classes() {
		t.Errorf("%d classes, want %d", loaded.Classes(), saved.Classes())
	}
	for _, p := range saved.Params() {
		want, _ := saved.Values(p.Name)
		if got, err := loaded.Values(p.Name); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s has other values (%v)", p.Name, err)
		}
	}
	var again bytes.Buffer
	if err := loaded.Save(&again, state); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Bytes(), file) {
		t.Error("saved again, the file differs")
	}
}

// Any program that reads safetensors finds torchvision's names, in their order at the beginning.
func TestCheckpointNames(t *testing.T) {
	m, file := checkpoint(t, tinyConfig(), State{Step: 1})
	f, err := weights.ReadSafetensors(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if f.Metadata["format"] != "pt" {
		t.Errorf("metadata: %v", f.Metadata)
	}
	for _, p := range m.Params() {
		tensor, ok := f.Tensor(p.Name)
		if !ok || !slices.Equal(tensor.Shape, p.Shape) || tensor.DType != "F32" {
			t.Errorf("%s: found %v, %s %v", p.Name, ok, tensor.DType, tensor.Shape)
		}
		for state, want := range map[string]string{"exp_avg": "F32", "exp_avg_sq": "F32", "step": "I32"} {
			tensor, ok := f.Tensor("optimizer/" + p.Name + "/" + state)
			if ok == (p.Group == Statistics) || ok && tensor.DType != want {
				t.Errorf("the optimizer's %s of %s: found %v, %s", state, p.Name, ok, tensor.DType)
			}
		}
	}
}

// A model that took no step is saved without a state of the optimizer, whether or not a trainer was made, and loads.
func TestCheckpointOfUntrainedModel(t *testing.T) {
	c := tinyConfig()
	m, file := checkpoint(t, c, State{})
	f, err := weights.ReadSafetensors(bytes.NewReader(file))
	if err != nil || len(f.Tensors) != len(m.Params()) {
		t.Errorf("%d arrays, %v; want %d", len(f.Tensors), err, len(m.Params()))
	}
	loaded, state, err := Load(bytes.NewReader(file), c)
	if err != nil || state.Step != 0 {
		t.Fatalf("%+v, %v", state, err)
	}
	if _, err := NewTrainer(backendtest.Open(t), loaded); err != nil {
		t.Error(err)
	}
}

// edit returns a checkpoint after a change of its arrays and metadata.
func edit(t *testing.T, file []byte, change func(*weights.File)) []byte {
	t.Helper()
	f, err := weights.ReadSafetensors(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	change(f)
	f.Metadata[checksumKey] = checksum(f)
	var out bytes.Buffer
	if err := weights.WriteSafetensors(&out, f); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestLoadFaults(t *testing.T) {
	c := tinyConfig()
	_, file := checkpoint(t, c, State{Step: 1})
	without := func(name string) func(*weights.File) {
		return func(f *weights.File) {
			f.Tensors = slices.DeleteFunc(f.Tensors, func(t weights.Tensor) bool { return t.Name == name })
		}
	}
	with := func(tensor weights.Tensor) func(*weights.File) {
		return func(f *weights.File) {
			without(tensor.Name)(f)
			f.Tensors = append(f.Tensors, tensor)
		}
	}
	for _, test := range []struct {
		name   string
		change func(*weights.File)
		want   string
	}{
		{"missing", without("embedding.bias"), "it lacks embedding.bias"},
		{"missing running mean", without("bn1.running_mean"), "it lacks bn1.running_mean"},
		{"missing state", without("optimizer/conv1.weight/exp_avg"), "it lacks optimizer/conv1.weight/exp_avg"},
		{"missing proxies", without(ProxiesName), "proxies"},
		{"extra", with(weights.FromFloat32("layer9.0.conv1.weight", []int{1}, []float32{1})), "layer9.0.conv1.weight is not an array"},
		{"misshapen", with(weights.FromFloat32("bn1.weight", []int{3}, make([]float32, 3))), "bn1.weight has shape [3], this architecture has [4]"},
		{"misshapen proxies", with(weights.FromFloat32(ProxiesName, []int{6, 9}, make([]float32, 54))), "proxies has shape [6 9]"},
		{"flat proxies", with(weights.FromFloat32(ProxiesName, []int{48}, make([]float32, 48))), "proxies"},
		{"fewer proxies", with(weights.FromFloat32(ProxiesName, []int{5, 8}, make([]float32, 40))), "optimizer/proxies/"},
		{"integers", with(weights.FromInt32("bn1.bias", []int{4}, make([]int32, 4))), "bn1.bias is of type I32"},
		{"steps", with(weights.FromFloat32("optimizer/bn1.bias/step", []int{}, []float32{1})), "optimizer/bn1.bias/step is of type F32"},
		{"no metadata", func(f *weights.File) { clear(f.Metadata) }, `no valid "idml"`},
		{"broken metadata", func(f *weights.File) { f.Metadata["idml"] = `{"epoch": "two"}` }, `no valid "idml"`},
	} {
		_, _, err := Load(bytes.NewReader(edit(t, file, test.change)), c)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestLoadTruncated(t *testing.T) {
	c := tinyConfig()
	_, file := checkpoint(t, c, State{Step: 1})
	for _, n := range []int{0, 1, 7, 8, 9, 100, len(file) / 2, len(file) - 1} {
		if _, _, err := Load(bytes.NewReader(file[:n]), c); err == nil {
			t.Errorf("%d of %d bytes: no error", n, len(file))
		}
	}
}

// Whatever byte of a checkpoint changes, it isn't taken for a whole one.
func TestLoadDamaged(t *testing.T) {
	c := tinyConfig()
	_, file := checkpoint(t, c, State{Step: 1})
	for i := 0; i < len(file); i += 1 + i/40 {
		damaged := bytes.Clone(file)
		damaged[i] ^= 0x10
		if _, _, err := Load(bytes.NewReader(damaged), c); err == nil {
			t.Errorf("byte %d of %d changed: no error", i, len(file))
		}
	}
	f, err := weights.ReadSafetensors(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	delete(f.Metadata, checksumKey)
	var out bytes.Buffer
	if err := weights.WriteSafetensors(&out, f); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(&out, c); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("without a checksum: %v", err)
	}
}

// The state of each optimizer is saved and loaded.
func TestCheckpointOfEachOptimizer(t *testing.T) {
	for _, name := range OptimizerNames() {
		c := tinyConfig()
		c.Optimizer.Name = name
		m, file := checkpoint(t, c, State{Step: 1})
		f, err := weights.ReadSafetensors(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, p := range m.Params() {
			want++
			if p.Group != Statistics {
				want += len(rules[name].state)
			}
		}
		if len(f.Tensors) != want {
			t.Errorf("%s: %d arrays, want %d", name, len(f.Tensors), want)
		}
		if _, _, err := Load(bytes.NewReader(file), c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoadIntoAnotherArchitecture(t *testing.T) {
	c := tinyConfig()
	_, file := checkpoint(t, c, State{Step: 1})
	for name, change := range map[string]func(*Config){
		"conv1.weight":     func(c *Config) { c.Model.Backbone.Width = 5 },
		"embedding.weight": func(c *Config) { c.Model.EmbeddingSize = 9 },
		"layer1.1":         func(c *Config) { c.Model.Backbone.Blocks = []int{2} },
	} {
		other := tinyConfig()
		change(&other)
		if _, _, err := Load(bytes.NewReader(file), other); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want an error that names %s", err, name)
		}
	}
}
