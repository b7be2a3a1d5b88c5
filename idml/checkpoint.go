// SPDX-License-Identifier: Apache-2.0

package idml

import (
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
	// Seconds is the time spent in training.
	Seconds float64 `json:"seconds"`
	// Best is the evaluation with the highest R@1 so far. It was chosen on the classes that it reports.
	Best Evaluation `json:"best"`
}

// Evaluation is a set of metrics and the epoch they were measured after, counted from 1; Epoch 0 is the untrained network.
type Evaluation struct {
	Epoch   int                `json:"epoch"`
	Metrics map[string]float64 `json:"metrics"`
}

// metadataKey is where a checkpoint's metadata holds the State.
const metadataKey = "idml"

// Save writes a checkpoint, the file runlog.ModelFile of a run. It is a safetensors file that PyTorch reads: the model's arrays
// under torchvision's names, the optimizer's as "optimizer/<name>/exp_avg", "…/exp_avg_sq" and "…/step", and in its metadata, as "idml",
// the State as JSON. Before the first step there is no state of the optimizer.
func (m *Model) Save(w io.Writer, s State) error {
	state, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("idml: saving a checkpoint: %w", err)
	}
	f := &weights.File{Metadata: map[string]string{"format": "pt", metadataKey: string(state)}}
	for v := range m.store.IterVariables() {
		if s.Step == 0 && strings.HasPrefix(v.Path(), statePrefix) {
			continue
		}
		t, err := fromVariable(v)
		if err != nil {
			return fmt.Errorf("idml: saving %s: %w", v.Path(), err)
		}
		f.Tensors = append(f.Tensors, t)
	}
	return weights.WriteSafetensors(w, f)
}

// fromVariable returns a variable's value as a named array; the name is the path without its leading slash.
func fromVariable(v *model.Variable) (weights.Tensor, error) {
	value, err := v.Value()
	if err != nil {
		return weights.Tensor{}, err
	}
	name, dims := strings.TrimPrefix(v.Path(), "/"), v.Shape().Dimensions
	if strings.HasSuffix(name, "/"+stateSteps) {
		data, err := tensors.CopyFlatData[int32](value)
		return weights.FromInt32(name, dims, data), err
	}
	data, err := tensors.CopyFlatData[float32](value)
	if err != nil {
		return weights.Tensor{}, err
	}
	return weights.FromFloat32(name, dims, data), nil
}

// Load reads a checkpoint into a new model of the configuration, with the optimizer's state. An array that is missing, that the architecture doesn't
// have, or that has another shape or type is an error that names it.
func Load(r io.Reader, cfg Config) (*Model, State, error) {
	var s State
	f, err := weights.ReadSafetensors(r)
	if err != nil {
		return nil, s, fmt.Errorf("idml: reading a checkpoint: %w", err)
	}
	if err := json.Unmarshal([]byte(f.Metadata[metadataKey]), &s); err != nil {
		return nil, s, fmt.Errorf("idml: reading a checkpoint: its metadata has no valid %q: %w", metadataKey, err)
	}
	proxies, ok := f.Tensor(ProxiesName)
	if !ok || len(proxies.Shape) != 2 {
		return nil, s, fmt.Errorf("idml: reading a checkpoint: it has no %s [classes, dim]", ProxiesName)
	}
	m := &Model{config: cfg, parameters: cfg.Model.Params(proxies.Shape[0]), store: model.NewStore()}
	wanted := map[string][]int{}
	for _, p := range m.parameters {
		wanted[p.Name] = p.Shape
		if p.Group != Statistics && s.Step > 0 {
			wanted[statePath(p.Name, stateAverage)[1:]] = p.Shape
			wanted[statePath(p.Name, stateSquare)[1:]] = p.Shape
			wanted[statePath(p.Name, stateSteps)[1:]] = []int{}
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
		if steps := strings.HasSuffix(t.Name, "/"+stateSteps); steps != (t.DType == "I32") {
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
