// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"introspection/idml/resnet"
	"introspection/internal/backendtest"
)

// Tolerances of relative L2 between bfloat16, whose values are rounded by up to 2⁻⁹ = 0.2 %, and float32. In gradients that reach the backbone, a ReLU or
// a maximum that switches at a rounded value weighs more than the rounding: PyTorch's autocast differs from its float32 by up to 0.24 on the
// same network, images and weights.
const (
	bfloat16Tolerance         = 0.02
	bfloat16GradientTolerance = 0.35
)

// bothTypes are the embeddings of the reference's images and the gradients of a weighted sum of them, computed in one type.
func bothTypes(t *testing.T, compute string) (values []*tensors.Tensor, types []dtypes.DType) {
	t.Helper()
	c := referenceConfig()
	c.Model.Compute = compute
	m, images := referenceModel(t, c, 5)
	trained := []string{"embedding.weight", "layer4.0.downsample.0.weight", "layer2.0.conv2.weight", "bn1.weight", "conv1.weight"}
	exec, err := model.NewExec(backendtest.Open(t), m.store, func(_ *model.Scope, images *Node) []*Node {
		e := m.embed(images, resnet.StoredStatistics)
		var nodes []*Node
		for _, name := range trained {
			nodes = append(nodes, m.variable(name).NodeValue(images.Graph()))
		}
		weights := Sin(IotaFull(images.Graph(), e.Semantic.Shape()))
		return append([]*Node{e.Semantic, e.Uncertainty}, Gradient(ReduceAllSum(Mul(weights, e.Semantic)), nodes...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	values, err = exec.Call(images)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		types = append(types, v.DType())
	}
	return values, types
}

// Embeddings and gradients in bfloat16 are float32 arrays near those in float32, and not the same: the backbone did compute in bfloat16.
func TestBFloat16AgainstFloat32(t *testing.T) {
	want, _ := bothTypes(t, Float32)
	got, types := bothTypes(t, BFloat16)
	for i, name := range []string{"semantic", "uncertainty", "d embedding", "d layer4.0.downsample.0", "d layer2.0.conv2", "d bn1", "d conv1"} {
		tolerance := bfloat16Tolerance
		if i > 2 {
			tolerance = bfloat16GradientTolerance
		}
		r := relative(tensors.MustCopyFlatData[float32](got[i]), tensors.MustCopyFlatData[float32](want[i]))
		t.Logf("%s differs by %.2g", name, r)
		if !(r <= tolerance) || r < 1e-4 {
			t.Errorf("%s differs by %.2g, want 1e-4 to %g", name, r, tolerance)
		}
		if types[i] != dtypes.Float32 {
			t.Errorf("%s is %s, want float32", name, types[i])
		}
	}
}

// Training in bfloat16 lowers the loss as far as in float32, and all variables stay float32.
func TestBFloat16Trains(t *testing.T) {
	losses := map[string][]float64{}
	for _, compute := range []string{Float32, BFloat16} {
		c := smallConfig()
		c.Model.Compute, c.Mixing.Method = compute, NoMixing
		m := newModel(t, c)
		trainer, err := NewTrainer(backendtest.Open(t), m)
		if err != nil {
			t.Fatal(err)
		}
		for epoch := range 3 {
			for batch, err := range smallData(c).Train(epoch, 0).Iter() {
				if err != nil {
					t.Fatal(err)
				}
				loss, err := trainer.Step(StepInput{
					Images: batch.Inputs[0], Labels: batch.Labels[0], LearningRate: c.Optimizer.LearningRate,
				})
				if err != nil {
					t.Fatal(err)
				}
				losses[compute] = append(losses[compute], loss)
			}
		}
		for v := range m.store.IterVariables() {
			if v.Shape().DType == dtypes.BFloat16 || v.MustValue().DType() == dtypes.BFloat16 {
				t.Errorf("%s is %s", v.Path(), v.Shape())
			}
		}
	}
	single, half := losses[Float32], losses[BFloat16]
	last := len(single) - 1
	t.Logf("losses in float32 %.4f … %.4f, in bfloat16 %.4f … %.4f", single[0], single[last], half[0], half[last])
	if half[0] == single[0] || math.Abs(half[0]-single[0]) > 0.02*single[0] {
		t.Errorf("the first loss is %v, in float32 %v", half[0], single[0])
	}
	if !(half[last] < 0.8*half[0]) || math.Abs(half[last]-single[last]) > 0.1*single[last] {
		t.Errorf("the loss went from %v to %v, in float32 to %v", half[0], half[last], single[last])
	}
}
