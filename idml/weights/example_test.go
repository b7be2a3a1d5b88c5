// SPDX-License-Identifier: Apache-2.0

package weights_test

import (
	"bytes"
	"fmt"

	"introspection/idml/weights"
)

func Example() {
	var file bytes.Buffer
	err := weights.WriteSafetensors(&file, &weights.File{
		Tensors: []weights.Tensor{
			weights.FromFloat32("embeddings", []int{2, 3}, []float32{1, 0, 0, 0, 0.6, 0.8}),
			weights.FromInt32("labels", []int{2}, []int32{4, 7}),
		},
		Metadata: map[string]string{"model": "resnet50"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	f, err := weights.ReadSafetensors(&file)
	if err != nil {
		fmt.Println(err)
		return
	}
	embeddings, _ := f.Tensor("embeddings")
	values, err := embeddings.Float32()
	fmt.Println(f.Metadata["model"], embeddings.Shape, values, err)
	labels, _ := f.Tensor("labels")
	ids, err := labels.Int()
	fmt.Println(ids, err)
	// Output:
	// resnet50 [2 3] [1 0 0 0 0.6 0.8] <nil>
	// [4 7] <nil>
}
