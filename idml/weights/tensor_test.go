// SPDX-License-Identifier: Apache-2.0

package weights_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"introspection/idml/weights"
)

// halfValue computes a half-precision number by its definition, in float64.
func halfValue(h uint16) float64 {
	sign := 1 - 2*float64(h>>15)
	exponent, fraction := int(h>>10&0x1f), float64(h&0x3ff)
	switch {
	case exponent == 0:
		return sign * math.Ldexp(fraction, -24)
	case exponent == 0x1f && fraction == 0:
		return math.Inf(int(sign))
	case exponent == 0x1f:
		return math.NaN()
	}
	return sign * math.Ldexp(1+fraction/1024, exponent-15)
}

// TestHalf converts every half-precision and every bfloat16 number.
func TestHalf(t *testing.T) {
	data := make([]byte, 0, 2<<16)
	for h := range 1 << 16 {
		data = binary.LittleEndian.AppendUint16(data, uint16(h))
	}
	wants := map[string]func(uint16) float64{
		"F16":  halfValue,
		"BF16": func(h uint16) float64 { return float64(math.Float32frombits(uint32(h) << 16)) },
	}
	for dtype, want := range wants {
		got, err := weights.Tensor{Name: "all", DType: dtype, Shape: []int{1 << 16}, Data: data}.Float32()
		if err != nil {
			t.Fatal(err)
		}
		for h := range 1 << 16 {
			w, g := want(uint16(h)), float64(got[h])
			if w != g && (!math.IsNaN(w) || !math.IsNaN(g)) || math.Signbit(w) != math.Signbit(g) && !math.IsNaN(w) {
				t.Fatalf("%s %#04x: got %v, want %v", dtype, h, g, w)
			}
		}
	}
}

func TestConversionFaults(t *testing.T) {
	one := func(dtype string, bytes int) weights.Tensor {
		return weights.Tensor{Name: "it", DType: dtype, Shape: []int{1}, Data: make([]byte, bytes)}
	}
	tests := map[string]struct {
		run  func() error
		want string
	}{
		"float32 of ints": {func() error { _, err := one("I32", 4).Float32(); return err }, "got I32"},
		"int of floats":   {func() error { _, err := one("F32", 4).Int(); return err }, "got F32"},
		"float32 short":   {func() error { _, err := one("F32", 3).Float32(); return err }, "takes 4 bytes, got 3"},
		"int long":        {func() error { _, err := one("U8", 2).Int(); return err }, "takes 1 bytes, got 2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := test.run()
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), `"it"`) {
				t.Errorf("got error %v, want %q", err, test.want)
			}
		})
	}
}

func TestFromPanics(t *testing.T) {
	tests := map[string]func(){
		"float32":  func() { weights.FromFloat32("it", []int{2, 2}, make([]float32, 3)) },
		"int32":    func() { weights.FromInt32("it", nil, nil) },
		"negative": func() { weights.FromInt32("it", []int{-1}, nil) },
	}
	for name, run := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				text, _ := recover().(string)
				if !strings.HasPrefix(text, `weights: tensor "it"`) {
					t.Errorf("got panic %q", text)
				}
			}()
			run()
		})
	}
}

// TestFromCopies checks that a tensor doesn't share memory with what it was made of.
func TestFromCopies(t *testing.T) {
	shape, data := []int{2}, []float32{1, 2}
	tensor := weights.FromFloat32("it", shape, data)
	shape[0], data[0] = 7, 7
	got, err := tensor.Float32()
	if err != nil || got[0] != 1 || tensor.Shape[0] != 2 {
		t.Errorf("got %v of shape %v, error %v", got, tensor.Shape, err)
	}
}
