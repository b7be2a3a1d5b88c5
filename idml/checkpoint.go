// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"introspection/idml/weights"
)

// State tells where training stands.
type State struct {
	// Epoch is the epoch under way, counted from 0; Batch is the next batch of it; Step is the number of steps taken since the start.
	Epoch int `json:"epoch"`
	Batch int `json:"batch"`
	Step  int `json:"step"`
	// LossSum and LossCount are the sum and the number of the losses that no record holds yet.
	LossSum   float64 `json:"loss_sum"`
	LossCount int     `json:"loss_count"`
	// Seconds is the time spent in training.
	Seconds float64 `json:"seconds"`
	// Best is the evaluation with the highest R@1, or top-1 accuracy, so far, the first of equals.
	Best Evaluation `json:"best"`
}

// Evaluation is a set of metrics and the epoch they were measured after, counted from 1; Epoch 0 is the untrained network. In a State, all are finite.
type Evaluation struct {
	Epoch   int                `json:"epoch"`
	Metrics map[string]float64 `json:"metrics"`
}

// What a checkpoint's metadata holds beside the format: the State, and the SHA-256 of everything else.
const (
	stateKey    = "idml"
	checksumKey = "sha256"
)

// Save writes a checkpoint, the file runlog.ModelFile of a run. It is a safetensors file that PyTorch reads: the model's arrays
// under torchvision's names, the optimizer's as "optimizer/<name>/exp_avg", "…/exp_avg_sq" and "…/step" (or what else the optimizer keeps), and in
// its metadata, as "idml", the State as JSON, and as "sha256" a checksum. Before the first step there is no state of the optimizer.
func (m *Model) Save(w io.Writer, s State) error {
	var c snapshot
	if err := c.take(m, s); err != nil {
		return err
	}
	return c.write(w)
}

// A snapshot is the model and the state of its training as they were at one moment.
type snapshot struct {
	state  State
	arrays []array
}

// An array is a copy of a variable's values: ints of a counter of steps, floats of all else.
type array struct {
	name   string
	dims   []int
	floats []float32
	ints   []int32
}

// take copies all arrays to the host, into those of an earlier take where it can: fresh memory costs more than the copy.
func (c *snapshot) take(m *Model, s State) error {
	spare := map[string]array{}
	for _, a := range c.arrays {
		spare[a.name] = a
	}
	c.state, c.arrays = s, c.arrays[:0]
	for v := range m.store.IterVariables() {
		if s.Step == 0 && strings.HasPrefix(v.Path(), statePrefix) {
			continue
		}
		name := strings.TrimPrefix(v.Path(), "/")
		a := array{name: name, dims: v.Shape().Dimensions, floats: spare[name].floats[:0], ints: spare[name].ints[:0]}
		value, err := v.Value()
		if err == nil && isSteps(name) {
			err = tensors.ConstFlatData(value, func(flat []int32) { a.ints = append(a.ints, flat...) })
		} else if err == nil {
			err = tensors.ConstFlatData(value, func(flat []float32) { a.floats = append(a.floats, flat...) })
		}
		if err != nil {
			return fmt.Errorf("idml: saving %s: %w", name, err)
		}
		c.arrays = append(c.arrays, a)
	}
	return nil
}

// isSteps tells whether an array of a checkpoint is a counter of steps.
func isSteps(name string) bool { return strings.HasSuffix(name, "/"+stateSteps) }

// write writes the checkpoint.
func (c *snapshot) write(w io.Writer) error {
	state, err := json.Marshal(c.state)
	if err != nil {
		return fmt.Errorf("idml: saving a checkpoint: %w", err)
	}
	f := &weights.File{Metadata: map[string]string{"format": "pt", stateKey: string(state)}}
	for _, a := range c.arrays {
		if isSteps(a.name) {
			f.Tensors = append(f.Tensors, weights.FromInt32(a.name, a.dims, a.ints))
		} else {
			f.Tensors = append(f.Tensors, weights.FromFloat32(a.name, a.dims, a.floats))
		}
	}
	f.Metadata[checksumKey] = checksum(f)
	return weights.WriteSafetensors(w, f)
}

// checksum returns the SHA-256, in hexadecimal, of a file's arrays and metadata but the checksum itself, in the order of their names.
func checksum(f *weights.File) string {
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(f.Metadata)) {
		if key != checksumKey {
			fmt.Fprintf(h, "%q %q\n", key, f.Metadata[key])
		}
	}
	byName := slices.SortedFunc(slices.Values(f.Tensors), func(a, b weights.Tensor) int { return strings.Compare(a.Name, b.Name) })
	for _, t := range byName {
		fmt.Fprintf(h, "%q %s %v\n", t.Name, t.DType, t.Shape)
		h.Write(t.Data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// readCheckpoint reads a checkpoint's arrays and metadata, if they are whole.
func readCheckpoint(r io.Reader) (*weights.File, error) {
	f, err := weights.ReadSafetensors(r)
	if err != nil {
		return nil, fmt.Errorf("idml: reading a checkpoint: %w", err)
	}
	if want, got := f.Metadata[checksumKey], checksum(f); got != want {
		return nil, fmt.Errorf("idml: reading a checkpoint: its checksum is %.12s…, that of its content %.12s…: it is damaged, or no checkpoint", want, got)
	}
	return f, nil
}

// Load reads a checkpoint into a new model of the configuration, with the optimizer's state. An array that is missing, that the architecture doesn't
// have, or that has another shape or type is an error that names it.
func Load(r io.Reader, cfg Config) (*Model, State, error) {
	var s State
	f, err := readCheckpoint(r)
	if err != nil {
		return nil, s, err
	}
	if err := json.Unmarshal([]byte(f.Metadata[stateKey]), &s); err != nil {
		return nil, s, fmt.Errorf("idml: reading a checkpoint: its metadata has no valid %q: %w", stateKey, err)
	}
	rows, ok := f.Tensor(cfg.classArray())
	if !ok || len(rows.Shape) != 2 {
		return nil, s, fmt.Errorf("idml: reading a checkpoint: it has no %s [classes, dim]", cfg.classArray())
	}
	m := &Model{config: cfg, classes: rows.Shape[0], parameters: cfg.Params(rows.Shape[0]), store: model.NewStore()}
	wanted := map[string][]int{}
	for _, p := range m.parameters {
		wanted[p.Name] = p.Shape
		if p.Group != Statistics && s.Step > 0 {
			for _, state := range rules[cfg.Optimizer.Name].state {
				shape := p.Shape
				if state == stateSteps {
					shape = nil
				}
				wanted[statePath(p.Name, state)[1:]] = shape
			}
		}
	}
	for _, t := range f.Tensors {
		shape, ok := wanted[t.Name]
		if !ok {
			return nil, s, fmt.Errorf("idml: reading a checkpoint: %s is not an array of this architecture", t.Name)
		}
		if !slices.Equal(shape, t.Shape) {
			return nil, s, fmt.Errorf("idml: reading a checkpoint: %s has shape %v, this architecture has %v", t.Name, t.Shape, shape)
		}
		if isSteps(t.Name) != (t.DType == "I32") {
			return nil, s, fmt.Errorf("idml: reading a checkpoint: %s is of type %s", t.Name, t.DType)
		}
		value, err := toTensor(t)
		if err == nil {
			_, err = m.store.CreateVariable(t.Name, value)
		}
		if err != nil {
			return nil, s, fmt.Errorf("idml: reading a checkpoint: %s: %w", t.Name, err)
		}
		delete(wanted, t.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		return nil, s, fmt.Errorf("idml: reading a checkpoint: it lacks %s (and %d others)", name, len(wanted)-1)
	}
	return m, s, nil
}

// toTensor turns a named array, float32 or int32, into GoMLX's.
func toTensor(t weights.Tensor) (*tensors.Tensor, error) {
	if t.DType == "I32" {
		ints, err := t.Int()
		if err != nil {
			return nil, err
		}
		data := make([]int32, len(ints))
		for i, x := range ints {
			data[i] = int32(x)
		}
		return tensors.FromFlatDataAndDimensions(data, t.Shape...), nil
	}
	data, err := t.Float32()
	if err != nil {
		return nil, err
	}
	return tensors.FromFlatDataAndDimensions(data, t.Shape...), nil
}
