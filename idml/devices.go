// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/dtensor"
	"github.com/gomlx/gomlx/ml/model"
)

// CheckDevices returns what keeps so many devices of a backend from sharing the batches of the configuration, nil if nothing does.
func (c Config) CheckDevices(backend compute.Backend, devices int) error {
	if devices < 1 {
		return fmt.Errorf("idml: training on %d devices, want at least 1", devices)
	}
	if has := backend.NumDevices(); devices > has {
		return fmt.Errorf("idml: training on %d devices, and the backend %s has %d: use at most %[3]d (XLA's CPU plugin always has 4, which share the processor)",
			devices, backend.Name(), has)
	}
	batch, unit := c.Data.BatchSize, devices
	if batch%devices == 0 {
		return nil
	}
	for c.Data.ImagesPerClass > 0 && unit%c.Data.ImagesPerClass != 0 { // batches are of whole classes, too
		unit += devices
	}
	near := fmt.Sprint(batch - batch%unit + unit)
	if batch >= unit {
		near = fmt.Sprint(batch-batch%unit, " or ", near)
	}
	fewer := devices - 1
	for batch%fewer != 0 {
		fewer--
	}
	return fmt.Errorf("idml: data.batch_size is %d, which %d devices can't share evenly: make it %s, or train on %d", batch, devices, near, fewer)
}

// A program is a training step for one device or several. It is compiled when it is first called, and once more for each other size of a batch.
//
// On several, GoMLX's automatic sharding divides the work: the program is the one for a single device, and computes what that computes, with losses, mining and
// statistics of the whole batch. What there is for each image is divided among the devices; all else is on each of them, the variables included.
type program struct {
	mesh *distributed.DeviceMesh // nil for one device
	// What there is for each image is divided by the first specification, and repeated by the second.
	divided, repeated *distributed.ShardingSpec
	// The second program has all images on each device: for a batch that can't be divided, as the last of an epoch may be. One device has only that.
	shared, whole *model.Exec
}

// newProgram prepares the step that build builds of its arguments, whose number and types are those of the sample. Tensors among them have an entry for each image.
func newProgram(backend compute.Backend, m *Model, devices int, sample []any, build func([]*graph.Node) *graph.Node) (p program, err error) {
	newExec := func() (*model.Exec, error) {
		return model.NewExec(backend, m.store, func(_ *model.Scope, inputs []*graph.Node) *graph.Node { return build(inputs) })
	}
	if p.whole, err = newExec(); err != nil || devices == 1 {
		return p, err
	}
	if p.shared, err = newExec(); err != nil {
		return p, err
	}
	if p.mesh, err = distributed.NewDeviceMesh([]int{devices}, []string{"batch"}); err != nil {
		return p, err
	}
	if p.divided, err = distributed.BuildSpec(p.mesh).S("batch").Done(); err != nil {
		return p, err
	}
	p.repeated = distributed.NewReplicatedShardingSpec(p.mesh)
	inputs := make([]*distributed.ShardingSpec, len(sample))
	for i, a := range sample {
		inputs[i] = p.repeated
		if _, ok := a.(*tensors.Tensor); ok {
			inputs[i] = p.divided
		}
	}
	p.shared.AutoSharding(p.mesh).WithInputShardingSpecs(inputs...).WithOutputShardingSpecs(p.repeated)
	p.whole.AutoSharding(p.mesh).WithInputShardingSpecs(p.repeated).WithOutputShardingSpecs(p.repeated)
	return p, nil
}

// call runs the program on a batch of so many images and returns the loss. The arguments stay the caller's.
func (p program) call(args []any, images int) (loss float64, err error) {
	exec := p.whole
	if p.mesh != nil {
		spec := p.repeated
		if images%p.mesh.NumDevices() == 0 {
			exec, spec = p.shared, p.divided
		}
		var parts []*dtensor.Tensor
		if args, parts, err = spread(args, spec); err != nil {
			return 0, err
		}
		for _, part := range parts {
			defer func() { _ = part.Finalize() }()
		}
	}
	out, err := exec.Call(args...)
	if err != nil {
		return 0, err
	}
	for _, o := range out { // each device's
		defer o.MustFinalizeAll()
	}
	return float64(tensors.ToScalar[float32](out[0])), nil
}

// spread returns the arguments of the first device, then those of the second and so on: the parts of tensors by the specification, and all else as it is. The caller finalizes
// the parts.
func spread(args []any, spec *distributed.ShardingSpec) (all []any, parts []*dtensor.Tensor, err error) {
	for device := range spec.Mesh.NumDevices() {
		tensor := 0
		for _, a := range args {
			if t, ok := a.(*tensors.Tensor); ok {
				if device == 0 {
					part, err := dtensor.ShardTensor(spec, t)
					if err != nil {
						return nil, parts, err
					}
					parts = append(parts, part)
				}
				a, tensor = parts[tensor].Shards()[device], tensor+1
			}
			all = append(all, a)
		}
	}
	return all, parts, nil
}

// gather brings the variables from the devices of an earlier program together, so that a program for others can spread them anew.
func (m *Model) gather() error {
	for v := range m.store.IterVariables() {
		if v.ShardingSpec() == nil {
			continue
		}
		value, err := v.Value()
		if err == nil {
			value, err = value.Clone() // SetValue frees all that the variable has
		}
		if err == nil {
			err = v.SetValue(value)
		}
		if err == nil {
			err = v.SetShardingSpec(nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
