// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"fmt"
	"html"
	"strings"
	"time"

	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/plots"
)

// A Training shows how far a training run is, in one place of the output: a bar, the newest numbers and the loss so far as a
// small curve. Give its Progress to a run and call Done at the end, which leaves one line.
type Training struct {
	live   *Live
	begun  time.Time
	now    func() time.Time
	last   idml.Progress
	losses []float64 // of every step
	judged string    // what the newest evaluation came to, as "R@1 0.500"; "" before the first
}

// trainingInterval is the least time between two updates: short enough to look alive, and little work for a browser.
const trainingInterval = 250 * time.Millisecond

// NewTraining returns a Training whose clock starts now, and shows that something is under way: before a run's first step the
// baselines are measured and the step is compiled, which takes seconds.
func NewTraining() *Training {
	t := &Training{live: NewLive(trainingInterval), begun: time.Now(), now: time.Now}
	Check(t.live.Update("measuring the baselines and compiling the training step …"))
	return t
}

// Stage takes what begins where no step is taken, such as the last measurement.
func (t *Training) Stage(text string) {
	Check(t.live.Update(html.EscapeString(text) + " …"))
}

// Progress takes what a run tells after each step and evaluation.
func (t *Training) Progress(p idml.Progress) {
	if p.Metrics != nil {
		judge := runlog.Judge(p.Metrics)
		t.judged = fmt.Sprintf("%s %.3f", plots.MetricTitle(judge), p.Metrics[judge])
		return
	}
	t.last, t.losses = p, append(t.losses, p.Loss)
	Check(t.live.Update(t.html()))
}

// Done leaves a line that says what was done.
func (t *Training) Done() {
	Check(t.live.Done(t.summary()))
}

// html returns the bar, the numbers and the curve.
func (t *Training) html() string {
	p := t.last
	text := fmt.Sprintf("epoch %d of %d · loss %.2f · %.0f images/s · %s", p.Epoch, p.Epochs, p.Loss, p.ImagesPerSecond, t.elapsed())
	if t.judged != "" {
		text += " · " + t.judged
	}
	done, all := (p.Epoch-1)*p.Batches+p.Batch, p.Epochs*p.Batches
	return fmt.Sprintf(`<div>%s</div><progress style="width:480px" value="%d" max="%d"></progress><div>%s</div>`, text, done, all, sparkline(t.losses, all))
}

// summary returns the last line.
func (t *Training) summary() string {
	if len(t.losses) == 0 {
		return "nothing was trained"
	}
	return fmt.Sprintf("%d epochs, %d steps in %s; loss %.2f → %.2f (means of the first and the last %d steps)",
		t.last.Epoch, t.last.Step, t.elapsed(), mean(t.losses[:t.span()]), mean(t.losses[len(t.losses)-t.span():]), t.span())
}

// span is the number of steps that the summary averages: an epoch's, or as many as there are.
func (t *Training) span() int { return max(1, min(t.last.Batches, len(t.losses))) }

func (t *Training) elapsed() time.Duration { return t.now().Sub(t.begun).Round(time.Second) }

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// sparkline returns a small curve of values, as SVG, with room for all of them. It shows no scale: it is there to be watched.
func sparkline(values []float64, all int) string {
	const width, height, points = 480, 60, 240
	block := max(1, (all+points-1)/points)
	top := 0.0
	var means []float64
	for i := 0; i < len(values); i += block {
		means = append(means, mean(values[i:min(i+block, len(values))]))
		top = max(top, means[len(means)-1])
	}
	if !(top > 0) {
		return ""
	}
	var line []string
	for i, v := range means {
		x := (float64(i*block) + float64(block)/2) / float64(max(all, 1)) * width
		line = append(line, fmt.Sprintf("%.1f,%.1f", x, height-v/top*(height-2)))
	}
	return fmt.Sprintf(`<svg width="%d" height="%d" role="img" aria-label="loss so far"><polyline fill="none" stroke="#0072b2" stroke-width="1.5" points="%s"/></svg>`,
		width, height, strings.Join(line, " "))
}
