// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/idml"
	"introspection/plots"
)

// A Scene is the smallest batch that every loss has something to say about, by the distances in it: an image is the distance Own from something of its class and the
// distance Other from something of another class. All pairs are as uncertain as Beta says.
//
// Of a loss with proxies, the somethings are the proxies of both classes, and the uncertainty of the image is ‖u‖ = β. Of a loss of pairs they are images: two of a class, Own
// apart, and one of another class, Other apart from both; all three have the same u of length β/2, so that ‖u₁+u₂‖ is β for each pair.
type Scene struct{ Own, Other, Beta float64 }

// Want is what a loss says of a scene: its value; Pull, the derivative of the value by the distance Own, which is positive where the loss wants these nearer; and Push, minus the
// derivative by the distance Other, which is positive where it wants those farther apart.
type Want struct{ Loss, Pull, Push float64 }

// A Probe asks a loss what it wants. It runs the library's loss and its gradient in a graph.
type Probe struct {
	exec    *graph.Exec
	proxies bool // its scenes are of proxies
}

// NewProbe returns a probe of the named loss with its default settings, in a form of the metric.
func NewProbe(backend compute.Backend, name string, form idml.Form) (*Probe, error) {
	settings, err := idml.DefaultLoss(name)
	if err != nil {
		return nil, err
	}
	loss, err := idml.NewLoss(settings)
	if err != nil {
		return nil, err
	}
	metric := idml.Metric{Form: form, Tau: idml.DefaultTau}
	exec, err := graph.NewExec(backend, func(own, other, beta *graph.Node) []*graph.Node {
		in := imageScene(own, other, beta)
		if loss.HasProxies() {
			in = proxyScene(own, other, beta)
		}
		value := loss.Value(metric, in)
		return append([]*graph.Node{value}, graph.Gradient(value, own, other)...)
	})
	if err != nil {
		return nil, fmt.Errorf("nb: a probe of %s: %w", name, err)
	}
	return &Probe{exec, loss.HasProxies()}, nil
}

// Ask returns what the loss says of a scene. It is an error if there is none with these distances.
func (p *Probe) Ask(s Scene) (Want, error) {
	out, err := p.exec.Call(float32(s.Own), float32(s.Other), float32(s.Beta))
	if err != nil {
		return Want{}, fmt.Errorf("nb: a loss of %+v: %w", s, err)
	}
	var v [3]float64
	for i, t := range out {
		v[i] = float64(tensors.ToScalar[float32](t))
		t.MustFinalizeAll()
		if math.IsNaN(v[i]) {
			return Want{}, fmt.Errorf("nb: no three points on a sphere have the distances of %+v", s)
		}
	}
	return Want{v[0], v[1], -v[2]}, nil
}

// imageScene is the scene of images: a and p at ±t from the first axis, with sin t = Own/2, and n at the distance Other from both.
func imageScene(own, other, beta *graph.Node) idml.LossInput {
	half := graph.MulScalar(own, 0.5)
	sin, cos := half, graph.Sqrt(graph.OneMinus(graph.Square(half)))
	first := graph.Div(graph.OneMinus(graph.MulScalar(graph.Square(other), 0.5)), cos)
	zero := graph.ZerosLike(own)
	return idml.LossInput{
		Embedding: idml.Embedding{
			Semantic: points(
				[]*graph.Node{cos, sin, zero}, []*graph.Node{cos, graph.Neg(sin), zero},
				[]*graph.Node{first, zero, graph.Sqrt(graph.OneMinus(graph.Square(first)))}),
			Uncertainty: equalRows(graph.MulScalar(beta, 0.5), 3),
		},
		Labels:  graph.Const(own.Graph(), []int32{0, 0, 1}),
		Uniform: graph.Const(own.Graph(), [][]float32{{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}}), // there is one negative to draw
	}
}

// proxyScene is the scene of an image on the first axis and two proxies.
func proxyScene(own, other, beta *graph.Node) idml.LossInput {
	zero := graph.ZerosLike(own)
	along := func(d *graph.Node) (cos, sin *graph.Node) { // of the angle that two points at the distance d enclose
		cos = graph.OneMinus(graph.MulScalar(graph.Square(d), 0.5))
		return cos, graph.Mul(d, graph.Sqrt(graph.OneMinus(graph.MulScalar(graph.Square(d), 0.25))))
	}
	cosOwn, sinOwn := along(own)
	cosOther, sinOther := along(other)
	return idml.LossInput{
		Embedding: idml.Embedding{Semantic: points([]*graph.Node{graph.OnesLike(own), zero, zero}), Uncertainty: equalRows(beta, 1)},
		Labels:    graph.Const(own.Graph(), []int32{0}),
		Proxies:   points([]*graph.Node{cosOwn, sinOwn, zero}, []*graph.Node{cosOther, zero, sinOther}),
	}
}

// points returns rows of three coordinates, [n, 3].
func points(rows ...[]*graph.Node) *graph.Node {
	var all []*graph.Node
	for _, row := range rows {
		for _, v := range row {
			all = append(all, graph.Reshape(v, 1))
		}
	}
	return graph.Reshape(graph.Concatenate(all, 0), len(rows), 3)
}

// equalRows returns n rows (length, 0, 0).
func equalRows(length *graph.Node, n int) *graph.Node {
	zero := graph.ZerosLike(length)
	var rows [][]*graph.Node
	for range n {
		rows = append(rows, []*graph.Node{length, zero, zero})
	}
	return points(rows...)
}

// The scene that Curves changes one distance of.
const (
	SceneOwn   = 0.5 // the distance to the own class where the other one varies
	SceneOther = 1.0 // the distance to the other class where the own one varies
)

// Curves asks the probe what it wants over n distances up to almost 2: pull over the distance to the own class, with the other class at the distance SceneOther, and push over the
// distance to the other class, with the own at SceneOwn. Distances that no scene has are left out:
// there are some where all three are images.
func (p *Probe) Curves(name string, beta float64, n int) (pull, push plots.Series, err error) {
	pull.Name, push.Name = name, name
	for i := range n {
		d := 1.98 * (float64(i) + 0.5) / float64(n)
		for _, side := range []struct {
			series *plots.Series
			scene  Scene
			value  func(Want) float64
		}{
			{&pull, Scene{d, SceneOther, beta}, func(w Want) float64 { return w.Pull }},
			{&push, Scene{SceneOwn, d, beta}, func(w Want) float64 { return w.Push }},
		} {
			if !side.scene.possible(p.proxies) {
				continue
			}
			want, askErr := p.Ask(side.scene)
			err = errors.Join(err, askErr)
			const digits = 1e4 // float32 has no more that count, and a line at 1.0000001 would lie outside of an axis up to 1
			value := math.Round(side.value(want)*digits) / digits
			side.series.X, side.series.Y = append(side.series.X, d), append(side.series.Y, value)
		}
	}
	return pull, push, err
}

// Reach returns the range of distances, as "0.90 to 1.70", in which a series has at least a hundredth of its largest value; "nowhere" if no value is positive.
func Reach(s plots.Series) string {
	relative := Relative(s)
	from, to := math.Inf(1), math.Inf(-1)
	for i, v := range relative.Y {
		if v >= 0.01 {
			from, to = min(from, s.X[i]), max(to, s.X[i])
		}
	}
	if to < from {
		return "nowhere"
	}
	return fmt.Sprintf("%.2f to %.2f", from, to)
}

// possible tells whether three points on the unit sphere can be so apart. The distance of two proxies from each other is free, and with it both distances of an image from them.
func (s Scene) possible(proxies bool) bool {
	if proxies {
		return 0 <= s.Own && s.Own <= 2 && 0 <= s.Other && s.Other <= 2
	}
	first := (1 - s.Other*s.Other/2) / math.Sqrt(1-s.Own*s.Own/4)
	return math.Abs(first) < 1
}

// Relative divides a series by the largest of its values; one without a positive value stays as it is.
func Relative(s plots.Series) plots.Series {
	top := 0.0
	for _, v := range s.Y {
		top = max(top, v)
	}
	if top == 0 {
		return s
	}
	out := plots.Series{Name: s.Name, X: s.X}
	for _, v := range s.Y {
		out.Y = append(out.Y, v/top)
	}
	return out
}
