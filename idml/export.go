// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"io"
	"strings"

	"introspection/idml/weights"
)

// architectureKey is the key of an exported file's metadata under which it names the backbone, if that has a name.
const architectureKey = "architecture"

// Export reads a checkpoint and returns the network alone, as other programs want it: the backbone's arrays under torchvision's names, then
// embedding.weight [dim, channels], embedding.bias, uncertainty.weight and uncertainty.bias, and with proxies also the proxies
// [classes, dim]. The optimizer's state and the training's are left out. The metadata names the backbone's architecture, if it has a name.
//
// The features that the heads get are the sum of average and maximum pooling over the backbone's feature maps, not the average that torchvision's
// network ends with.
func Export(r io.Reader, proxies bool) (*weights.File, error) {
	f, err := readCheckpoint(r)
	if err != nil {
		return nil, err
	}
	out := &weights.File{Metadata: map[string]string{"format": "pt"}}
	for _, t := range f.Tensors {
		if !strings.HasPrefix("/"+t.Name, statePrefix) && (proxies || t.Name != ProxiesName) {
			out.Tensors = append(out.Tensors, t)
		}
	}
	if name := Architecture(out); name != "" {
		out.Metadata[architectureKey] = name
	}
	return out, nil
}
