// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/ml/train"

	"introspection/idml/classify"
	"introspection/idml/retrieval"
	"introspection/idml/runlog"
)

// Data is what Train needs of a dataset. Batches are images uint8 [batch, h, w, 3] and labels int32 [batch].
type Data struct {
	// Classes is the number of training classes: labels of training are below it.
	Classes int
	// Batches is the number of batches of an epoch.
	Batches int
	// Train returns the batches of an epoch from batch skip on: the same ones whenever it is asked.
	Train func(epoch, skip int) train.Dataset
	// Evaluation has each image that epochs are judged by once, in a fixed order; its last batch may be shorter.
	Evaluation train.Dataset
}

// Progress tells of a step just taken or, where Metrics isn't nil, of an evaluation; Warning is then what to look at, or "".
type Progress struct {
	Epoch, Epochs, Batch, Batches, Step int
	Loss, LearningRate, ImagesPerSecond float64
	Metrics                             map[string]float64
	Warning                             string
}

// TrainOptions are what Train runs on and reports to.
type TrainOptions struct {
	// Devices is the number of devices that share each batch: see [NewSharedTrainer]; 0 is one. It is no part of the configuration: training
	// may go on with another number.
	Devices int
	// Run is the run folder, which gets metrics and checkpoints; nil writes nothing.
	Run *runlog.Run
	// Progress is called after each step and evaluation; nil is not called.
	Progress func(Progress)
}

// Result is what training ends with.
type Result struct {
	State State
	// Last is the evaluation after the last epoch.
	Last Evaluation
	// Stopped is true if the context ended training before its last epoch.
	Stopped bool
}

// ErrDiverged reports a loss that is no finite number. To resume such a run repeats it.
var ErrDiverged = errors.New("idml: training diverged")

// recordsPerEpoch is about how many lines an epoch adds to metrics.jsonl. Ours: enough for a curve, and few enough for long runs.
const recordsPerEpoch = 20

// training is the state of one call of Train.
type training struct {
	config   Config
	data     Data
	options  TrainOptions
	backend  compute.Backend
	model    *Model
	trainer  *Trainer
	embedder *Embedder
	result   Result

	before  float64 // seconds of training before this call
	started time.Time
	since   time.Time // the last record or evaluation
	timed   int       // images since then
	stepped time.Time // the end of the last step, or of the wait for something else
	saved   time.Time // of the last checkpoint
	saver   saver
}

// Train trains a model from where state stands (State{} for a new model) to the last epoch: steps over the batches of each
// epoch, an evaluation, a checkpoint. When ctx ends, the step under way is finished, a checkpoint is written, and the result
// says Stopped. Checkpoints are written beside the training; the last one is on the disk when Train returns.
func Train(ctx context.Context, backend compute.Backend, m *Model, state State, data Data, o TrainOptions) (result *Result, err error) {
	now := time.Now()
	t := &training{
		config: m.config, data: data, options: o, backend: backend, model: m,
		before: state.Seconds, started: now, since: now, saved: now, saver: saver{run: o.Run},
	}
	t.result.State = state
	if err := t.check(); err != nil {
		return nil, err
	}
	devices := o.Devices
	if devices == 0 {
		devices = 1
	}
	if t.trainer, err = NewSharedTrainer(backend, m, devices); err != nil {
		return nil, err
	}
	if t.embedder, err = NewEmbedder(backend, m); err != nil {
		return nil, err
	}
	err = errors.Join(t.epochs(ctx), t.saver.wait())
	if err != nil {
		return nil, err
	}
	return &t.result, nil
}

// epochs runs the rest of the training. An epoch counts as done when it has been evaluated: one that was stopped before is evaluated when
// training goes on.
func (t *training) epochs(ctx context.Context) error {
	s := &t.result.State
	for s.Epoch < t.config.Epochs && !t.result.Stopped {
		best := false
		err := t.epoch(ctx)
		if err == nil {
			best, err = t.evaluate(ctx)
		}
		switch {
		case err == nil:
			s.Epoch, s.Batch = s.Epoch+1, 0
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
			t.result.Stopped = true
		default:
			return err
		}
		if err := t.save(best); err != nil {
			return err
		}
	}
	return nil
}

// check finds what would fail later.
func (t *training) check() error {
	if err := t.config.Validate(); err != nil {
		return err
	}
	if t.data.Classes != t.model.Classes() {
		return fmt.Errorf("idml: the data has %d training classes, the model %d", t.data.Classes, t.model.Classes())
	}
	if t.data.Batches < 1 {
		return fmt.Errorf("idml: an epoch has no batch of %d images: lower data.batch_size", t.config.Data.BatchSize)
	}
	return nil
}

// epoch runs the rest of the epoch under way.
func (t *training) epoch(ctx context.Context) error {
	s := &t.result.State
	every := max(1, t.data.Batches/recordsPerEpoch)
	t.stepped = time.Now()
	for batch, err := range t.data.Train(s.Epoch, s.Batch).Iter() {
		if err != nil {
			return fmt.Errorf("idml: epoch %d, batch %d: %w", s.Epoch+1, s.Batch+1, err)
		}
		loss, err := t.step(batch)
		if err != nil {
			return err
		}
		s.Batch, s.Step = s.Batch+1, s.Step+1
		s.LossSum, s.LossCount = s.LossSum+loss, s.LossCount+1
		if s.Step%every == 0 {
			if err := t.record(); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.Batch < t.data.Batches && time.Since(t.saved).Minutes() >= t.config.CheckpointMinutes {
			if err := t.save(false); err != nil {
				return err
			}
		}
	}
	return nil
}

// step trains on a batch, which it finalizes.
func (t *training) step(batch train.Batch) (float64, error) {
	images, labels := batch.Inputs[0], batch.Labels[0]
	defer images.MustFinalizeAll()
	defer labels.MustFinalizeAll()
	s, c := t.result.State, t.config
	size := images.Shape().Dimensions[0]
	in := StepInput{
		Images: images, Labels: labels,
		LearningRate: c.Optimizer.Rate(s.Epoch), Warmup: s.Epoch < c.WarmupEpochs,
	}
	if c.Mixing.Mixes() {
		in.Mix = c.Mixing.draw(c.Seed, s.Epoch, s.Batch, size, images.Shape().Dimensions[1])
	}
	if c.Data.changesColor() {
		in.Color = c.Data.drawColor(c.Seed, s.Epoch, s.Batch, size)
		defer in.Color.finalize()
	}
	if t.trainer.loss.Samples() {
		in.Random = drawState(c.Seed, s.Epoch, s.Batch)
	}
	loss, err := t.trainer.Step(in)
	if err != nil {
		return 0, err
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return 0, fmt.Errorf("%w: the loss is %v at step %d (epoch %d): begin anew with a lower optimizer.lr, another metric.tau or model.uncertainty_init",
			ErrDiverged, loss, s.Step+1, s.Epoch+1)
	}
	t.timed += size
	now := time.Now() // the rate counts the wait for the batch
	t.progress(Progress{
		Batch: s.Batch + 1, Step: s.Step + 1, Loss: loss, LearningRate: in.LearningRate, ImagesPerSecond: float64(size) / now.Sub(t.stepped).Seconds(),
	})
	t.stepped = now
	return loss, nil
}

// seconds is the time spent in training so far, earlier calls' included.
func (t *training) seconds() float64 { return t.before + time.Since(t.started).Seconds() }

// progress hands p on with what all its kinds share.
func (t *training) progress(p Progress) {
	if t.options.Progress == nil {
		return
	}
	p.Epoch, p.Epochs, p.Batches = t.result.State.Epoch+1, t.config.Epochs, t.data.Batches
	t.options.Progress(p)
}

// record appends the mean of the steps since the last record to the run.
func (t *training) record() error {
	s, elapsed := &t.result.State, time.Since(t.since).Seconds()
	r := runlog.Record{
		Kind: "step", Epoch: s.Epoch + 1, Step: s.Step, Loss: s.LossSum / float64(s.LossCount), LR: t.config.Optimizer.Rate(s.Epoch),
		ImagesPerSecond: float64(t.timed) / elapsed, Seconds: t.seconds(),
	}
	s.LossSum, s.LossCount, t.timed, t.since = 0, 0, 0, time.Now()
	if t.options.Run == nil {
		return nil
	}
	return t.options.Run.AppendRecord(r)
}

// measure returns the metrics of images that were embedded: in classification of their logits, else of how they find each other, without clusters.
func (c Config) measure(ctx context.Context, backend compute.Backend, e *Embedded) (map[string]float64, error) {
	if c.Task == Classification {
		r, err := classify.Evaluate(e.Logits, e.Labels)
		if err != nil {
			return nil, err
		}
		return r.Metrics(), nil
	}
	o := retrieval.DefaultOptions()
	o.Ks, o.Clustering = c.Recalls, false
	r, err := retrieval.Evaluate(ctx, backend, e.Semantic, e.Labels, o)
	if err != nil {
		return nil, err
	}
	return r.Metrics(), nil
}

// evaluate measures the network at the end of an epoch, where an evaluation is due, and tells whether it is the best so far.
func (t *training) evaluate(ctx context.Context) (best bool, err error) {
	s := &t.result.State
	epoch := s.Epoch + 1
	if epoch%t.config.EvaluateEvery != 0 && epoch != t.config.Epochs {
		return false, nil
	}
	embedded, err := t.embedder.Embed(ctx, t.data.Evaluation)
	if err != nil {
		return false, err
	}
	metrics, err := t.config.measure(ctx, t.backend, embedded)
	if err != nil {
		return false, fmt.Errorf("idml: evaluating epoch %d: %w", epoch, err)
	}
	warning, err := t.warning(embedded)
	if err != nil {
		return false, err
	}
	t.result.Last = Evaluation{Epoch: epoch, Metrics: metrics}
	judge := runlog.Judge(metrics)
	if best = s.Best.Metrics == nil || metrics[judge] > s.Best.Metrics[judge]; best {
		s.Best = Evaluation{Epoch: epoch, Metrics: finite(metrics)}
	}
	t.progress(Progress{Batch: t.data.Batches, Step: s.Step, Metrics: metrics, Warning: warning})
	t.timed, t.since = 0, time.Now()
	if t.options.Run == nil {
		return best, nil
	}
	return best, t.options.Run.AppendRecord(runlog.Record{
		Kind: runlog.KindEval, Epoch: epoch, Step: s.Step, Metrics: metrics, Seconds: t.seconds(),
	})
}

// finite returns the metrics that are finite numbers, which alone JSON has: a network that has just broken may have a cross-entropy of NaN.
func finite(metrics map[string]float64) map[string]float64 {
	kept := maps.Clone(metrics)
	maps.DeleteFunc(kept, func(_ string, v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
	return kept
}

// warning says so if the metric's factor is nearly 0, else "".
func (t *training) warning(e *Embedded) (string, error) {
	factor, err := MedianFactor(t.backend, t.model, e)
	if err != nil || factor >= LowFactor {
		return "", err
	}
	return LowFactorWarning(factor), nil
}

// LowFactorWarning says what a median factor below LowFactor means, and what helps.
func LowFactorWarning(factor float64) string {
	return fmt.Sprintf("the metric's median factor exp(−…) is %.2g, below %g: hardly any gradient reaches the semantic embedding; "+
		"begin anew with a smaller model.uncertainty_init, a lower optimizer.lr or a larger metric.tau", factor, LowFactor)
}

// save begins to write the checkpoint of the run, also as its best where it is that.
func (t *training) save(best bool) error {
	t.result.State.Seconds = t.seconds()
	if t.options.Run == nil {
		return nil
	}
	t.saved = time.Now()
	return t.saver.save(t.model, t.result.State, best)
}
