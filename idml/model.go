// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"introspection/idml/resnet"
)

// Group says what part of the model a parameter belongs to: the optimizer and the warm-up treat parts differently.
type Group int

const (
	// Backbone holds the residual network's kernels and batch normalization.
	Backbone Group = iota
	// SemanticHead and UncertaintyHead are the two linear layers on the pooled features.
	SemanticHead
	UncertaintyHead
	// Proxies are the learned proxies of the classes.
	Proxies
	// Classifier is the linear layer from the pooled features to the logits of the classes.
	Classifier
	// Statistics are batch normalization's running mean and variance, which no gradient moves.
	Statistics
)

// ProxiesName is the name of the proxies [classes, dim] among the model's parameters.
const ProxiesName = "proxies"

// The names of a classifier's weight [classes, channels] and bias [classes], torchvision's.
const (
	classifierWeight = "fc.weight"
	classifierBias   = "fc.bias"
)

// Param is one array of the model, under torchvision's name and in its layout.
type Param struct {
	Name  string
	Group Group
	Shape []int

	deviation float64 // of the normal distribution it starts from; 0 if another rule holds
	bound     float64 // of the uniform distribution it starts from
	constant  float64
}

// Params lists the arrays of a model for so many training classes: the backbone's in torchvision's order, then
// "embedding.weight" and "embedding.bias" (the semantic head), "uncertainty.weight" and "uncertainty.bias", then "proxies"; in classification
// "fc.weight" and "fc.bias" (the classifier), "uncertainty.weight" and "uncertainty.bias".
//
// They start as in the released code: kernels and the semantic head's weight from N(0, 2/fan-out), its bias at 0, the uncertainty head from PyTorch's
// default U(±1/√fan-in) times UncertaintyInit, proxies from N(0, 2/classes), a classifier from PyTorch's default.
func (c Config) Params(classes int) []Param {
	list := c.Model.backboneParams()
	in, out := c.Model.Backbone.Channels(), c.Model.EmbeddingSize
	root := 1 / math.Sqrt(float64(in))
	uncertainty := []Param{
		{Name: "uncertainty.weight", Group: UncertaintyHead, Shape: []int{out, in}, bound: c.Model.UncertaintyInit * root},
		{Name: "uncertainty.bias", Group: UncertaintyHead, Shape: []int{out}, bound: c.Model.UncertaintyInit * root},
	}
	if c.Task == Classification {
		list = append(list,
			Param{Name: classifierWeight, Group: Classifier, Shape: []int{classes, in}, bound: root},
			Param{Name: classifierBias, Group: Classifier, Shape: []int{classes}, bound: root})
		return append(list, uncertainty...)
	}
	list = append(list,
		Param{Name: "embedding.weight", Group: SemanticHead, Shape: []int{out, in}, deviation: math.Sqrt(2 / float64(out))},
		Param{Name: "embedding.bias", Group: SemanticHead, Shape: []int{out}})
	list = append(list, uncertainty...)
	return append(list, Param{Name: ProxiesName, Group: Proxies, Shape: []int{classes, out}, deviation: math.Sqrt(2 / float64(classes))})
}

// classArray is the name of the array that has a row for each class.
func (c Config) classArray() string {
	if c.Task == Classification {
		return classifierWeight
	}
	return ProxiesName
}

// backboneParams lists the backbone's arrays.
func (c ModelConfig) backboneParams() (list []Param) {
	for _, a := range c.Backbone.Arrays() {
		p := Param{Name: a.Name, Group: Backbone, Shape: a.Shape}
		switch a.Kind {
		case resnet.Kernel:
			p.deviation = math.Sqrt(2 / float64(a.Shape[0]*a.Shape[2]*a.Shape[3]))
		case resnet.NormScale:
			p.constant = 1
		case resnet.RunningMean:
			p.Group = Statistics
		case resnet.RunningVariance:
			p.Group, p.constant = Statistics, 1
		}
		list = append(list, p)
	}
	return list
}

// initial returns the parameter's first values, a function of the seed and the name alone.
func (p Param) initial(seed uint64) *tensors.Tensor {
	size := 1
	for _, d := range p.Shape {
		size *= d
	}
	values := make([]float32, size)
	rng := rand.New(rand.NewPCG(seed, hashName(p.Name)))
	for i := range values {
		switch {
		case p.deviation > 0:
			values[i] = float32(rng.NormFloat64() * p.deviation)
		case p.bound > 0:
			values[i] = float32((2*rng.Float64() - 1) * p.bound)
		default:
			values[i] = float32(p.constant)
		}
	}
	return tensors.FromFlatDataAndDimensions(values, p.Shape...)
}

func hashName(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}

// Model is the two-head network and the proxies: a residual network whose pooled features feed a semantic and an uncertainty
// head or, in classification, a classifier and an uncertainty head. Its parameters are variables of a GoMLX store.
type Model struct {
	config     Config
	classes    int
	parameters []Param
	store      *model.Store
	programs   programs
}

// NewModel returns a model for so many training classes with the initial values that cfg.Seed decides. cfg must be valid.
func NewModel(cfg Config, classes int) (*Model, error) {
	if classes < 1 {
		return nil, fmt.Errorf("idml: a model of %d classes, want at least 1", classes)
	}
	m := &Model{config: cfg, classes: classes, parameters: cfg.Params(classes), store: model.NewStore()}
	for _, p := range m.parameters {
		if _, err := m.store.CreateVariable(p.Name, p.initial(cfg.Seed)); err != nil {
			return nil, fmt.Errorf("idml: creating %s: %w", p.Name, err)
		}
	}
	return m, nil
}

// Params lists the model's arrays. The caller must not change the list.
func (m *Model) Params() []Param { return m.parameters }

// Classes is the number of training classes, of which each has a proxy or a logit.
func (m *Model) Classes() int { return m.classes }

// variable returns the named variable, which must exist.
func (m *Model) variable(name string) *model.Variable {
	v := m.store.GetVariable("/" + name)
	if v == nil {
		panic(fmt.Sprintf("idml: the model has no array %q", name))
	}
	return v
}

// Values returns a copy of the named array's values, in row-major order.
func (m *Model) Values(name string) ([]float32, error) {
	v := m.store.GetVariable("/" + name)
	if v == nil {
		return nil, fmt.Errorf("idml: the model has no array %q", name)
	}
	t, err := v.Value()
	if err != nil {
		return nil, fmt.Errorf("idml: reading %s: %w", name, err)
	}
	return tensors.CopyFlatData[float32](t)
}

// SetValues replaces the named array's values, given in row-major order.
func (m *Model) SetValues(name string, values []float32) error {
	v := m.store.GetVariable("/" + name)
	if v == nil {
		return fmt.Errorf("idml: the model has no array %q", name)
	}
	if len(values) != v.Shape().Size() {
		return fmt.Errorf("idml: %d values for %s of shape %v", len(values), name, v.Shape().Dimensions)
	}
	return v.SetValue(tensors.FromFlatDataAndDimensions(values, v.Shape().Dimensions...))
}

// computeType is the type that the backbone computes in.
func (c ModelConfig) computeType() dtypes.DType {
	if c.Compute == BFloat16 {
		return dtypes.BFloat16
	}
	return dtypes.Float32
}

// graphParams gives a graph the model's variables; it implements resnet.Params.
type graphParams struct {
	m *Model
	g *graph.Graph
}

func (p graphParams) Value(name string) *graph.Node { return p.m.variable(name).NodeValue(p.g) }

func (p graphParams) SetValue(name string, value *graph.Node) { p.m.variable(name).SetNodeValue(value) }

// embed returns the embedding of images [batch, height, width, 3]: uint8 pixels are normalized first, float32 ones are taken as normalized.
//
// The backbone computes in the configuration's type. Pooling and heads are float32 always, where PyTorch's autocast would run the heads in bfloat16:
// they are 0.05 % of the arithmetic of ResNet-50 at 224 pixels, and distances between embeddings are differences of nearly equal numbers.
func (m *Model) embed(images *graph.Node, norm resnet.BatchNorm) Embedding {
	return m.heads(m.features(images, norm))
}

// features returns the pooled feature maps [batch, channels], which the heads see.
func (m *Model) features(images *graph.Node, norm resnet.BatchNorm) *graph.Node {
	p := graphParams{m, images.Graph()}
	pixels := graph.ConvertDType(m.normalizePixels(images), m.config.Model.computeType())
	maps := graph.ConvertDType(m.config.Model.Backbone.Features(p, pixels, norm), dtypes.Float32)
	if m.config.Task == Classification {
		return graph.ReduceMean(maps, 1, 2)
	}
	return poolFeatures(maps)
}

// heads returns the embedding of images with these features.
func (m *Model) heads(features *graph.Node) Embedding {
	p := graphParams{m, features.Graph()}
	uncertainty := m.config.Model.UncertaintyActivation.apply(linear(features, p.Value("uncertainty.weight"), p.Value("uncertainty.bias")))
	if m.config.Task == Classification {
		return Embedding{Semantic: features, Uncertainty: uncertainty}
	}
	return Embedding{
		Semantic:    normalizeRows(linear(features, p.Value("embedding.weight"), p.Value("embedding.bias"))),
		Uncertainty: uncertainty,
	}
}

// classifier returns the nodes of a classifier's weight and bias.
func (m *Model) classifier(g *graph.Graph) (weight, bias *graph.Node) {
	return m.variable(classifierWeight).NodeValue(g), m.variable(classifierBias).NodeValue(g)
}

// normalizePixels turns uint8 pixels into (pixel − mean)/deviation by channel, and leaves float32 ones as they are.
func (m *Model) normalizePixels(images *graph.Node) *graph.Node {
	if images.DType() != dtypes.Uint8 {
		return images
	}
	return m.scalePixels(graph.ConvertDType(images, dtypes.Float32), 1)
}

// scalePixels returns (pixel − mean)/deviation by channel, for pixels x that were divided by a number.
func (m *Model) scalePixels(x *graph.Node, divisor float64) *graph.Node {
	var mean, scale [3]float32
	for i := range 3 {
		mean[i] = float32(m.config.Data.Mean[i] / divisor)
		scale[i] = float32(divisor / m.config.Data.Deviation[i])
	}
	constant := func(v [3]float32) *graph.Node {
		return graph.ExpandLeftToRank(graph.Const(x.Graph(), v[:]), 4)
	}
	return graph.Mul(graph.Sub(x, constant(mean)), constant(scale))
}

// Metric is the metric that the model is trained with.
func (m *Model) Metric() Metric { return m.config.Metric }
