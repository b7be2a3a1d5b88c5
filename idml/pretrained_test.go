// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/resnet"
	"introspection/idml/weights"
)

// backboneFile returns a file of weights for the configuration's backbone: element i of an array is i, plus the array's place in the list.
func backboneFile(c Config) *weights.File {
	f := &weights.File{}
	for k, a := range c.Model.Backbone.Arrays() {
		n := 1
		for _, d := range a.Shape {
			n *= d
		}
		data := make([]float32, n)
		for i := range data {
			data[i] = float32(i + k)
		}
		f.Tensors = append(f.Tensors, weights.FromFloat32(a.Name, a.Shape, data))
	}
	return f
}

// allValues returns the values of all arrays of a model.
func allValues(t *testing.T, m *Model) map[string][]float32 {
	t.Helper()
	all := map[string][]float32{}
	for _, p := range m.Params() {
		v, err := m.Values(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		all[p.Name] = v
	}
	return all
}

// TestLoadBackbone checks that the backbone gets the file's values, whatever else published files hold, and nothing else changes.
func TestLoadBackbone(t *testing.T) {
	c := tinyConfig()
	f := backboneFile(c)
	f.Tensors = append(
		f.Tensors,
		weights.FromFloat32("fc.weight", []int{2, 3}, make([]float32, 6)), weights.FromFloat32("fc.bias", []int{2}, make([]float32, 2)),
		weights.FromFloat32("head.fc.weight", []int{1}, make([]float32, 1)), weights.FromFloat32("classifier.bias", []int{1}, make([]float32, 1)),
		weights.Tensor{Name: "bn1.num_batches_tracked", DType: "I64", Shape: []int{}, Data: make([]byte, 8)},
	)
	slices.Reverse(f.Tensors) // their order doesn't matter
	m := newModel(t, c)
	want := allValues(t, m)
	for _, tensor := range f.Tensors {
		if _, ok := want[tensor.Name]; ok {
			data, err := tensor.Float32()
			if err != nil {
				t.Fatal(err)
			}
			want[tensor.Name] = data
		}
	}
	if err := m.LoadBackbone(f); err != nil {
		t.Fatal(err)
	}
	got := allValues(t, m)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got["bn1.running_var"][1] == 1 || got["conv1.weight"][5] != 5 {
		t.Error("the statistics or the first kernel were not loaded")
	}
}

// TestLoadBackboneHalf loads an array of another type of floats.
func TestLoadBackboneHalf(t *testing.T) {
	c := tinyConfig()
	f := backboneFile(c)
	first := &f.Tensors[0]
	values, err := first.Float32()
	if err != nil {
		t.Fatal(err)
	}
	first.DType, first.Data = "BF16", nil
	for range values {
		first.Data = append(first.Data, 0x00, 0x40) // 2 in bfloat16
	}
	m := newModel(t, c)
	if err := m.LoadBackbone(f); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Values(first.Name); err != nil || slices.Max(got) != 2 || slices.Min(got) != 2 {
		t.Errorf("%s: %v, %v", first.Name, got, err)
	}
}

// TestLoadBackboneFaults checks that each fault is named, and that the model then stays as it was.
func TestLoadBackboneFaults(t *testing.T) {
	c := tinyConfig()
	one := weights.FromFloat32("extra.weight", []int{1}, []float32{math.Pi})
	for _, test := range []struct {
		name   string
		change func(f *weights.File)
		want   []string
	}{
		{"missing", func(f *weights.File) { f.Tensors = f.Tensors[1:] }, []string{"1 missing (conv1.weight)"}},
		{"all missing", func(f *weights.File) { f.Tensors = nil }, []string{fmt.Sprintf("%d missing (conv1.weight; bn1.weight; bn1.bias; …)", len(backboneFile(c).Tensors))}},
		{"misshapen", func(f *weights.File) { f.Tensors[0].Shape = []int{4, 27} }, []string{"1 of another shape (conv1.weight [4 27], want [4 3 3 3])"}},
		{"extra", func(f *weights.File) { f.Tensors = append(f.Tensors, one) }, []string{"1 too much (extra.weight)"}},
		{"three faults", func(f *weights.File) {
			f.Tensors = append(f.Tensors[1:], one)
			f.Tensors[0].Shape = []int{1, 4}
		}, []string{"1 missing (conv1.weight), 1 of another shape (bn1.weight [1 4], want [4]), 1 too much (extra.weight)"}},
		{"integers", func(f *weights.File) { f.Tensors[1].DType = "I32" }, []string{`"bn1.weight"`, "I32"}},
		{"cut off", func(f *weights.File) { f.Tensors[2].Data = f.Tensors[2].Data[:4] }, []string{`"bn1.bias"`, "takes 16 bytes, got 4"}},
		{"weights of resnet18", func(f *weights.File) { *f = *publishedFile(t, "resnet18") }, []string{"these are weights of resnet18", "of another shape (conv1.weight [64 3 7 7], want [4 3 3 3]; "}},
		{"a wrapper's names", func(f *weights.File) {
			for i := range f.Tensors {
				f.Tensors[i].Name = "module." + f.Tensors[i].Name
			}
		}, []string{"too much (module.conv1.weight; "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := backboneFile(c)
			test.change(f)
			m := newModel(t, c)
			before := allValues(t, m)
			err := m.LoadBackbone(f)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q", err, want)
				}
			}
			if diff := cmp.Diff(before, allValues(t, m)); diff != "" {
				t.Errorf("the model changed (-before +after):\n%s", diff)
			}
		})
	}
}

// publishedFile returns a file with the names and shapes of torchvision's network, without data. The list in resnet/testdata is torchvision's.
func publishedFile(t *testing.T, architecture string) *weights.File {
	t.Helper()
	list, err := os.ReadFile("resnet/testdata/" + architecture + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	f := &weights.File{}
	for line := range strings.Lines(string(list)) {
		fields := strings.Fields(line)
		tensor := weights.Tensor{Name: fields[0], DType: "F32", Shape: []int{}}
		for _, field := range fields[1:] {
			d, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			tensor.Shape = append(tensor.Shape, d)
		}
		f.Tensors = append(f.Tensors, tensor)
	}
	return f
}

func TestArchitecture(t *testing.T) {
	for _, name := range resnet.Names() {
		f := publishedFile(t, name)
		if got := Architecture(f); got != name {
			t.Errorf("%s looks like %q", name, got)
		}
		last := len(f.Tensors) - 1
		for f.Tensors[last].Name == "fc.bias" || f.Tensors[last].Name == "fc.weight" || strings.HasSuffix(f.Tensors[last].Name, "tracked") {
			last--
		}
		f.Tensors[last].Shape = []int{7}
		if got := Architecture(f); got != "" {
			t.Errorf("%s with another shape of %s looks like %q", name, f.Tensors[last].Name, got)
		}
		f.Tensors = slices.Delete(f.Tensors, last, last+1)
		if got := Architecture(f); got != "" {
			t.Errorf("%s without its last array looks like %q", name, got)
		}
	}
	if got := Architecture(backboneFile(tinyConfig())); got != "" {
		t.Errorf("the tiny network looks like %q", got)
	}
}

// TestExport exports a checkpoint in the midst of training, and loads the backbone of another model from it.
func TestExport(t *testing.T) {
	c := tinyConfig()
	m, file := checkpoint(t, c, State{Step: 1})
	for _, proxies := range []bool{false, true} {
		f, err := Export(bytes.NewReader(file), proxies)
		if err != nil {
			t.Fatal(err)
		}
		var names, want []string
		for _, tensor := range f.Tensors {
			names = append(names, tensor.Name)
			values, err := m.Values(tensor.Name)
			if got, _ := tensor.Float32(); err != nil || !slices.Equal(got, values) {
				t.Errorf("%s has other values than the model (%v)", tensor.Name, err)
			}
		}
		for _, p := range m.Params() {
			if p.Group != Proxies || proxies {
				want = append(want, p.Name)
			}
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("names with proxies %t (-want +got):\n%s", proxies, diff)
		}
		if diff := cmp.Diff(map[string]string{"format": "pt"}, f.Metadata); diff != "" {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
		other := c
		other.Seed++
		loaded := newModel(t, other)
		heads := allValues(t, loaded)
		if err := loaded.LoadBackbone(f); err != nil {
			t.Fatal(err)
		}
		for _, p := range loaded.Params() {
			want := heads[p.Name]
			if p.Group == Backbone || p.Group == Statistics {
				want, _ = m.Values(p.Name)
			}
			if got, err := loaded.Values(p.Name); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s has other values (%v)", p.Name, err)
			}
		}
	}
}

// TestExportNamesArchitecture exports a network that torchvision has.
func TestExportNamesArchitecture(t *testing.T) {
	c := tinyConfig()
	var err error
	if c.Model.Backbone, err = resnet.Named("resnet18"); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := newModel(t, c).Save(&file, State{}); err != nil {
		t.Fatal(err)
	}
	f, err := Export(&file, false)
	if err != nil || f.Metadata["architecture"] != "resnet18" {
		t.Errorf("metadata %v, %v", f.Metadata, err)
	}
}

func TestExportFaults(t *testing.T) {
	_, file := checkpoint(t, tinyConfig(), State{})
	flipped := bytes.Clone(file)
	flipped[len(flipped)-1] ^= 1
	var plain bytes.Buffer
	if err := weights.WriteSafetensors(&plain, backboneFile(tinyConfig())); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		file []byte
		want string
	}{
		"cut off": {file[:len(file)-1], "cut off"}, "flipped": {flipped, "checksum"}, "weights": {plain.Bytes(), "no checkpoint"}, "empty": {nil, "cut off"},
	} {
		if _, err := Export(bytes.NewReader(test.file), false); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
}
