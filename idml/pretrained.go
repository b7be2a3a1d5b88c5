// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"introspection/idml/resnet"
	"introspection/idml/weights"
)

// LoadBackbone gives the backbone the values of a file of weights in torchvision's names, such as torchvision's and timm's ImageNet
// weights of residual networks, or what Export returns. Their floats may be of any type; they become float32.
//
// Every array of the backbone must be there in its shape. Left out on purpose are classifiers and heads (fc, head and classifier of
// published weights, embedding, uncertainty and proxies of exported ones), and batch normalization's num_batches_tracked, which nothing reads.
// Anything else that is there too much, is missing or has another shape is an error that names it and, if the shapes tell, the
// architecture that the weights are of. On an error the model stays as it was.
func (m *Model) LoadBackbone(f *weights.File) error {
	given := backboneTensors(f)
	var missing, misshapen, extra []string
	values := map[string][]float32{}
	for _, p := range m.parameters {
		if p.Group != Backbone && p.Group != Statistics {
			continue
		}
		t, ok := given[p.Name]
		delete(given, p.Name)
		switch {
		case !ok:
			missing = append(missing, p.Name)
		case !slices.Equal(t.Shape, p.Shape):
			misshapen = append(misshapen, fmt.Sprintf("%s %v, want %v", p.Name, t.Shape, p.Shape))
		default:
			data, err := t.Float32()
			if err != nil {
				return fmt.Errorf("idml: loading the backbone: %w", err)
			}
			values[p.Name] = data
		}
	}
	for _, t := range f.Tensors { // in the file's order
		if _, ok := given[t.Name]; ok {
			extra = append(extra, t.Name)
		}
	}
	if err := misfit(missing, misshapen, extra); err != nil {
		if name := Architecture(f); name != "" {
			err = fmt.Errorf("%w; these are weights of %s", err, name)
		}
		return fmt.Errorf("idml: the weights don't fit the backbone%s: %w", m.backboneName(), err)
	}
	for name, data := range values {
		if err := m.SetValues(name, data); err != nil {
			return fmt.Errorf("idml: loading the backbone: %w", err)
		}
	}
	return nil
}

// backboneName returns " resnet50" of a network that has a name, else "".
func (m *Model) backboneName() string {
	if name := m.config.Model.Backbone.Name(); name != "" {
		return " " + name
	}
	return ""
}

// misfit returns the error for arrays that don't fit, nil if there are none.
func misfit(missing, misshapen, extra []string) error {
	var faults []string
	for _, list := range []struct {
		names []string
		what  string
	}{{missing, "missing"}, {misshapen, "of another shape"}, {extra, "too much"}} {
		if len(list.names) > 0 {
			faults = append(faults, fmt.Sprintf("%d %s (%s)", len(list.names), list.what, firstFew(list.names)))
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return errors.New(strings.Join(faults, ", "))
}

// firstFew joins the first names of a list.
func firstFew(names []string) string {
	const few = 3
	if len(names) > few {
		return strings.Join(names[:few], "; ") + "; …"
	}
	return strings.Join(names, "; ")
}

// heads are the first parts of names of arrays that follow a backbone, and are none of its own.
var heads = []string{"fc", "head", "classifier", "embedding", "uncertainty", ProxiesName}

// backboneTensors returns the tensors of a file that must be a backbone's, by name.
func backboneTensors(f *weights.File) map[string]weights.Tensor {
	given := map[string]weights.Tensor{}
	for _, t := range f.Tensors {
		first, _, _ := strings.Cut(t.Name, ".")
		if !slices.Contains(heads, first) && !strings.HasSuffix(t.Name, ".num_batches_tracked") {
			given[t.Name] = t
		}
	}
	return given
}

// Architecture returns torchvision's name ("resnet50") of the network whose backbone the arrays of a file are, by their names and shapes. It is
// "" if they are those of no network that package resnet knows.
func Architecture(f *weights.File) string {
	given := backboneTensors(f)
	for _, name := range resnet.Names() {
		c, err := resnet.Named(name)
		if err != nil {
			panic(err) // Names lists what Named knows
		}
		arrays := c.Arrays()
		fits := len(arrays) == len(given)
		for _, a := range arrays {
			t, ok := given[a.Name]
			fits = fits && ok && slices.Equal(t.Shape, a.Shape)
		}
		if fits {
			return name
		}
	}
	return ""
}
