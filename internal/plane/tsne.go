// SPDX-License-Identifier: Apache-2.0

package plane

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
)

// TSNEOptions are the settings of TSNE.
type TSNEOptions struct {
	// Perplexity is about how many neighbors of a point count as near. It must be at least 1 and below the number of points less 1.
	Perplexity float64
	// Iterations is the number of steps. The first quarter of them exaggerates nearness.
	Iterations int
	// Seed decides by how little the points are moved at the start, so that equal ones can part.
	Seed uint64
}

// DefaultTSNE returns the usual perplexity of 30, or a third of the other points where those are fewer than 90, and 750 iterations. Ours: the picture hardly changes after them.
func DefaultTSNE(points int) TSNEOptions {
	return TSNEOptions{Perplexity: min(30, max(1, float64(points-1)/3)), Iterations: 750}
}

// The course of the descent: exaggeration, momentum and gains are van der Maaten's; that the rate grows with the number of points is Belkina et al.'s, "Automated
// optimized parameters for T-distributed stochastic neighbor embedding improve visualization and analysis of large datasets" (2019).
const (
	exaggeration   = 12.0 // of nearness, at first
	exaggerated    = 4    // one of so many steps is
	earlyMomentum  = 0.5  // while it is
	lateMomentum   = 0.8
	gainGrowth     = 0.2 // of a coordinate's rate, where it goes on as it went
	gainDecay      = 0.8
	smallestGain   = 0.01
	smallestRate   = 50.0
	startDeviation = 1e-4
	startJitter    = 1e-6

	smallestProbability = 1e-12
	precisionTries      = 60
	entropyTolerance    = 1e-6
)

// TSNE returns coordinates of rows by t-distributed stochastic neighbor embedding (van der Maaten and Hinton 2008), and the Kullback–Leibler divergence that is left, in
// nats. The descent begins at start, such as the points' principal components, scaled down; so the large picture is that of start (Kobak and Berens 2019). It is an
// error if there are fewer than 4 rows, as many starts, the perplexity doesn't suit them or a number is not finite.
func TSNE(rows [][]float32, start [][2]float64, o TSNEOptions) (points [][2]float64, divergence float64, err error) {
	n := len(rows)
	switch {
	case n < 4 || len(start) != n:
		return nil, 0, fmt.Errorf("plane: t-SNE of %d points from %d starts, want at least 4 of each and as many", n, len(start))
	case !(o.Perplexity >= 1) || o.Perplexity >= float64(n-1):
		return nil, 0, fmt.Errorf("plane: a perplexity of %v for %d points, want 1 or more and below %d", o.Perplexity, n, n-1)
	case o.Iterations < 1:
		return nil, 0, fmt.Errorf("plane: t-SNE in %d iterations", o.Iterations)
	}
	if _, err := dense(rows); err != nil {
		return nil, 0, err
	}
	d := &descent{n: n, p: joint(rows, o.Perplexity), y: scaled(start, o.Seed), rate: max(float64(n)/exaggeration, smallestRate)}
	d.velocity, d.gains, d.gradient = make([][2]float64, n), make([][2]float64, n), make([][2]float64, n)
	for i := range d.gains {
		d.gains[i] = [2]float64{1, 1}
	}
	for k := range o.Iterations {
		if k < o.Iterations/exaggerated {
			d.step(exaggeration, earlyMomentum)
		} else {
			d.step(1, lateMomentum)
		}
	}
	return d.y, d.divergence(), nil
}

// scaled returns start with a mean of 0 and a standard deviation of startDeviation along its first coordinate, each point moved by a little.
func scaled(start [][2]float64, seed uint64) [][2]float64 {
	n := float64(len(start))
	var mean [2]float64
	for _, s := range start {
		mean[0], mean[1] = mean[0]+s[0]/n, mean[1]+s[1]/n
	}
	variance := 0.0
	for _, s := range start {
		variance += (s[0] - mean[0]) * (s[0] - mean[0]) / n
	}
	scale := 0.0
	if variance > 0 {
		scale = startDeviation / math.Sqrt(variance)
	}
	rng, y := rand.New(rand.NewPCG(seed, 0x75e)), make([][2]float64, len(start))
	for i, s := range start {
		for k := range 2 {
			y[i][k] = (s[k]-mean[k])*scale + startJitter*rng.NormFloat64()
		}
	}
	return y
}

// joint returns the probabilities [n·n] of pairs to be near: for each point those of a normal distribution about it, of the variance that gives them the perplexity, made
// symmetric.
func joint(rows [][]float32, perplexity float64) []float32 {
	n := len(rows)
	conditional := make([]float32, n*n)
	each(n, func(i int) {
		squared := make([]float64, n)
		for j, other := range rows {
			for k, v := range rows[i] {
				d := float64(v) - float64(other[k])
				squared[j] += d * d
			}
		}
		near(squared, i, perplexity, conditional[i*n:(i+1)*n])
	})
	p := make([]float32, n*n)
	for i := range n {
		for j := range n {
			if i != j {
				p[i*n+j] = max((conditional[i*n+j]+conditional[j*n+i])/float32(2*n), smallestProbability)
			}
		}
	}
	return p
}

// near writes into out how near each point is to point i, given the squared distances: exp(−d²·precision), normalized, with the precision, found by halving, for which
// the entropy is the logarithm of the perplexity.
func near(squared []float64, i int, perplexity float64, out []float32) {
	least := math.Inf(1)
	for j, d := range squared {
		if j != i {
			least = min(least, d)
		}
	}
	precision, low, high := 1.0, 0.0, math.Inf(1)
	weights := make([]float64, len(squared))
	for range precisionTries {
		sum, moment := 0.0, 0.0
		for j, d := range squared {
			weights[j] = 0
			if j != i {
				weights[j] = math.Exp(-(d - least) * precision) // less the least, so that none is 0
				sum, moment = sum+weights[j], moment+weights[j]*(d-least)
			}
		}
		for j, w := range weights {
			out[j] = float32(w / sum)
		}
		excess := math.Log(sum) + precision*moment/sum - math.Log(perplexity)
		if math.Abs(excess) < entropyTolerance {
			break
		}
		if excess > 0 {
			low = precision
		} else {
			high = precision
		}
		precision = (low + high) / 2
		if math.IsInf(high, 1) {
			precision = 2 * low
		}
	}
}

// descent is the state of the minimization.
type descent struct {
	n                         int
	p                         []float32
	y, velocity, gains        [][2]float64
	gradient                  [][2]float64
	rate                      float64
	attraction, push, partial []float64 // of each point: two coordinates, two coordinates, its part of the sum of all nearness
}

// step moves all points once.
func (d *descent) step(exaggerate, momentum float64) {
	d.differentiate(exaggerate)
	var mean [2]float64
	for i := range d.y {
		for k := range 2 {
			gain := &d.gains[i][k]
			if (d.gradient[i][k] > 0) != (d.velocity[i][k] > 0) {
				*gain += gainGrowth
			} else {
				*gain = max(*gain*gainDecay, smallestGain)
			}
			d.velocity[i][k] = momentum*d.velocity[i][k] - d.rate**gain*d.gradient[i][k]
			d.y[i][k] += d.velocity[i][k]
			mean[k] += d.y[i][k] / float64(d.n)
		}
	}
	for i := range d.y {
		d.y[i][0], d.y[i][1] = d.y[i][0]-mean[0], d.y[i][1]-mean[1]
	}
}

// differentiate writes the gradient of the divergence, 4·Σ (p(ij)·exaggerate − q(ij))·w(ij)·(y(i) − y(j)), with w = 1/(1 + ‖y(i) − y(j)‖²) and q = w/Σw.
func (d *descent) differentiate(exaggerate float64) {
	if d.partial == nil {
		d.attraction, d.push, d.partial = make([]float64, 2*d.n), make([]float64, 2*d.n), make([]float64, d.n)
	}
	each(d.n, func(i int) {
		var ax, ay, px, py, sum float64
		at, p := d.y[i], d.p[i*d.n:(i+1)*d.n]
		for j, other := range d.y {
			dx, dy := at[0]-other[0], at[1]-other[1]
			w := 1 / (1 + dx*dx + dy*dy)
			a, b := float64(p[j])*w, w*w
			ax, ay, px, py, sum = ax+a*dx, ay+a*dy, px+b*dx, py+b*dy, sum+w
		}
		d.attraction[2*i], d.attraction[2*i+1], d.push[2*i], d.push[2*i+1], d.partial[i] = ax, ay, px, py, sum-1 // w(ii) is 1
	})
	total := 0.0
	for _, v := range d.partial {
		total += v
	}
	for i := range d.gradient {
		for k := range 2 {
			d.gradient[i][k] = 4 * (exaggerate*d.attraction[2*i+k] - d.push[2*i+k]/total)
		}
	}
}

// divergence returns Σ p·log(p/q).
func (d *descent) divergence() float64 {
	total, sum := 0.0, 0.0
	nearness := func(i, j int) float64 {
		dx, dy := d.y[i][0]-d.y[j][0], d.y[i][1]-d.y[j][1]
		return 1 / (1 + dx*dx + dy*dy)
	}
	for i := range d.n {
		for j := range d.n {
			if i != j {
				total += nearness(i, j)
			}
		}
	}
	for i := range d.n {
		for j := range d.n {
			if p := float64(d.p[i*d.n+j]); i != j {
				sum += p * math.Log(p*total/nearness(i, j))
			}
		}
	}
	return sum
}

// each calls f for 0 to n−1, on all cores.
func each(n int, f func(i int)) {
	workers := runtime.GOMAXPROCS(0)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for i := w * n / workers; i < (w+1)*n/workers; i++ {
				f(i)
			}
		})
	}
	wait.Wait()
}
