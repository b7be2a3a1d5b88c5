// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"

	"introspection/idml"
)

// stepText returns a line such as "epoch 2/10 [###-------] 14/56 loss 4.213 lr 0.0001 1900 img/s 12m left", below 80 characters.
func stepText(p idml.Progress, pace *pace) string {
	const cells = 10
	full := cells * p.Batch / max(p.Batches, 1)
	bar := strings.Repeat("#", full) + strings.Repeat("-", cells-full)
	return fmt.Sprintf("epoch %d/%d [%s] %d/%d loss %.4g lr %.3g %.0f img/s %s left",
		p.Epoch, p.Epochs, bar, p.Batch, p.Batches, p.Loss, p.LearningRate, p.ImagesPerSecond, pace.left(p))
}

// A pace estimates the time that training will still take from the steps and evaluations that it has seen. The zero pace has seen none.
type pace struct {
	seen        time.Time // when the last step or evaluation ended
	first       int       // the first epoch whose evaluation is seen, if it has one
	step        time.Duration
	steps       int // how many step is the mean of, at most those of an epoch
	evaluations time.Duration
	evaluated   bool
}

// fewestSteps is how many steps must have been seen for an estimate.
const fewestSteps = 5

// observe takes note of a step or an evaluation that ended now. The first step isn't counted: it has compiling in it. In the mean of
// steps the older count less, so that it follows the change to slower ones after warm-up.
func (c *pace) observe(p idml.Progress, now time.Time) {
	taken, begun := now.Sub(c.seen), !c.seen.IsZero()
	c.seen = now
	switch evaluation := p.Metrics != nil; {
	case !begun && evaluation:
		c.first = p.Epoch + 1
	case !begun:
		c.first = p.Epoch
	case evaluation:
		c.evaluations, c.evaluated = c.evaluations+taken, true
	default:
		c.steps = min(c.steps+1, max(p.Batches, fewestSteps))
		c.step += (taken - c.step) / time.Duration(c.steps)
	}
}

// left returns the time that the steps and evaluations after step p will take, as text: "?" while too few steps have been seen, and a
// lower bound, as ">12m", before it is known how long an evaluation takes. What is measured after the last epoch is not counted.
func (c *pace) left(p idml.Progress) string {
	if c.steps < fewestSteps {
		return "?"
	}
	steps := (p.Epochs-p.Epoch)*p.Batches + p.Batches - p.Batch
	left := time.Duration(steps) * c.step
	if !c.evaluated {
		return ">" + shortDuration(left)
	}
	epochs := p.Epochs - p.Epoch + 1 // the evaluation of the one under way is still to come
	left += c.evaluations * time.Duration(epochs) / time.Duration(max(p.Epoch-c.first, 1))
	return shortDuration(left)
}

// shortDuration returns a duration with its two largest units at most: "40s", "12m", "3h05m", "2d03h".
func shortDuration(d time.Duration) string {
	switch minutes := int(d.Round(time.Minute).Minutes()); {
	case d.Round(time.Second) < time.Minute:
		return d.Round(time.Second).String()
	case minutes < 60:
		return fmt.Sprintf("%dm", minutes)
	case minutes < 24*60:
		return fmt.Sprintf("%dh%02dm", minutes/60, minutes%60)
	default:
		hours := int(d.Round(time.Hour).Hours())
		return fmt.Sprintf("%dd%02dh", hours/24, hours%24)
	}
}

// share returns which share of all steps are taken after step p.
func share(p idml.Progress) float64 {
	all := p.Epochs * p.Batches
	if all < 1 {
		return 0
	}
	return float64((p.Epoch-1)*p.Batches+p.Batch) / float64(all)
}
