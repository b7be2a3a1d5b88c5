// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
)

// toDevice returns a tensor of a copy of data for the backend. The caller finalizes it.
func toDevice(backend compute.Backend, data []float32, dims ...int) (*tensors.Tensor, error) {
	t, err := tensors.FromShapeForBackend(backend, 0, shapes.Make(dtypes.Float32, dims...))
	if err != nil {
		return nil, err
	}
	if err := tensors.MutableFlatData(t, func(flat []float32) { copy(flat, data) }); err != nil {
		t.MustFinalizeAll()
		return nil, err
	}
	return t, nil
}
