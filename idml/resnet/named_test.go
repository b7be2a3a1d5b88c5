// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// torchArrays reads the list of a network's arrays that testdata/make_reference.py wrote from PyTorch, without num_batches_tracked.
func torchArrays(t *testing.T, name string) (list []Array) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if strings.HasSuffix(fields[0], ".num_batches_tracked") {
			continue
		}
		a := Array{Name: fields[0]}
		for _, text := range fields[1:] {
			d, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			a.Shape = append(a.Shape, d)
		}
		list = append(list, a)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// Names, order and shapes are torchvision's; so is the count of trained values, with the classifier fc, as torchvision publishes it.
func TestNamedAgainstTorchvision(t *testing.T) {
	want := map[string]int{"resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032, "resnet101": 44_549_160}
	if len(Names()) != len(want) {
		t.Errorf("names %v, want those of %v", Names(), want)
	}
	for _, name := range Names() {
		c, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		arrays := append(c.Arrays(), Array{Name: "fc.weight", Shape: []int{1000, c.Channels()}}, Array{Name: "fc.bias", Shape: []int{1000}})
		for i := range arrays {
			arrays[i].Kind = 0
		}
		if got, _ := trained(c, 1000); got != want[name] {
			t.Errorf("%s has %d trained values, want %d", name, got, want[name])
		}
		if diff := cmp.Diff(torchArrays(t, name), arrays); diff != "" {
			t.Errorf("%s (-torchvision +ours):\n%s", name, diff)
		}
	}
}

// Those of a PyramidNet are PyTorch's, whose modules have the names of the released code's (testdata/pyramid.py).
func TestPyramidArraysAgainstPyTorch(t *testing.T) {
	arrays := smallPyramid.Arrays()
	for i := range arrays {
		arrays[i].Kind = 0
	}
	if diff := cmp.Diff(torchArrays(t, "pyramid"), arrays); diff != "" {
		t.Errorf("(-PyTorch +ours):\n%s", diff)
	}
}

// The caller may change the network that it got.
func TestNamedIsACopy(t *testing.T) {
	c, _ := Named("resnet18")
	c.Blocks[0] = 9
	if again, _ := Named("resnet18"); again.Blocks[0] != 2 {
		t.Errorf("resnet18 became %+v", again)
	}
	if _, err := Named("resnet152"); err == nil || !strings.Contains(err.Error(), `"resnet152", want one of resnet18, resnet34, resnet50, resnet101`) {
		t.Errorf("resnet152: %v", err)
	}
}

// Kinds go by the names.
func TestArrayKinds(t *testing.T) {
	for _, c := range []Config{resNet50, smallPyramid, {ImageNetStem, Basic, 64, []int{3, 4, 6, 3}, 0}} {
		for _, a := range c.Arrays() {
			kind := map[string]Kind{"bias": NormShift, "running_mean": RunningMean, "running_var": RunningVariance, "weight": NormScale}[a.Name[strings.LastIndex(a.Name, ".")+1:]]
			if len(a.Shape) == 4 {
				kind = Kernel
			}
			if a.Kind != kind {
				t.Errorf("%s is of kind %d, want %d", a.Name, a.Kind, kind)
			}
		}
	}
}
