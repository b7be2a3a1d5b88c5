// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"introspection/idml"
)

// newTestTraining returns a Training that began 75 seconds ago.
func newTestTraining() *Training {
	t := NewTraining()
	t.now = func() time.Time { return t.begun.Add(75 * time.Second) }
	return t
}

func TestTraining(t *testing.T) {
	training := newTestTraining()
	for epoch := 1; epoch <= 2; epoch++ {
		for batch := 1; batch <= 3; batch++ {
			step := (epoch-1)*3 + batch
			training.Progress(idml.Progress{Epoch: epoch, Epochs: 4, Batch: batch, Batches: 3, Step: step, Loss: 10 - float64(step), ImagesPerSecond: 1234.5})
		}
		if epoch == 1 {
			training.Progress(idml.Progress{Epoch: 1, Epochs: 4, Metrics: map[string]float64{"recall@1": 0.25}})
		}
	}
	html := training.html()
	for _, want := range []string{"epoch 2 of 4 · loss 4.00 · 1234 images/s · 1m15s · R@1 0.250", `value="6" max="12"`} {
		if !strings.Contains(html, want) {
			t.Errorf("it doesn't show %q:\n%s", want, html)
		}
	}
	for decoder := xml.NewDecoder(strings.NewReader("<p>" + html + "</p>")); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("broken HTML: %v\n%s", err, html)
		}
	}
	if got, want := training.summary(), "2 epochs, 6 steps in 1m15s; loss 8.00 → 5.00 (means of the first and the last 3 steps)"; got != want {
		t.Errorf("summary %q, want %q", got, want)
	}
	training.Done()
}

func TestTrainingOfAClassifier(t *testing.T) {
	training := newTestTraining()
	training.Progress(idml.Progress{Epoch: 1, Epochs: 4, Metrics: map[string]float64{"top@1": 0.75, "top@5": 1}})
	if html := training.html(); !strings.Contains(html, "· top-1 0.750") {
		t.Errorf("it doesn't show the accuracy: %s", html)
	}
}

func TestTrainingOfNothing(t *testing.T) {
	if got, want := newTestTraining().summary(), "nothing was trained"; got != want {
		t.Errorf("summary %q, want %q", got, want)
	}
}

func TestSparkline(t *testing.T) {
	tests := []struct {
		name   string
		values []float64
		all    int
		want   string // the points
	}{
		{"half of four", []float64{2, 1}, 4, `"60.0,2.0 180.0,31.0"`},
		{"blocks of two", []float64{3, 1, 1, 1, 1}, 480, `"1.0,2.0 3.0,31.0 5.0,31.0"`},
		{"none", nil, 4, ""},
		{"zeros", []float64{0, 0}, 2, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := sparkline(test.values, test.all)
			if !strings.Contains(got, test.want) || (test.want == "") != (got == "") {
				t.Errorf("got %s, want the points %s", got, test.want)
			}
		})
	}
	if n := strings.Count(sparkline(make([]float64, 100000), 100000), ","); n > 300 {
		t.Errorf("%d points", n)
	}
}
