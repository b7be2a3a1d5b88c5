// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/idml/weights"
	"introspection/internal/wholefile"
)

func exportCommand() command {
	return command{
		name:    "export",
		summary: "write a run's network for PyTorch: a safetensors file in torchvision's names",
		usage:   "[--proxies] RUN|CHECKPOINT --out FILE",
		help: `
Export writes the network of a run (its newest checkpoint) or of a checkpoint, such as
RUN/best.safetensors, without the optimizer's state. The backbone's arrays have torchvision's
names; embedding.weight [dim, channels], embedding.bias, uncertainty.weight and uncertainty.bias
are the two heads. PyTorch loads the backbone in three lines:

  state = safetensors.torch.load_file("birds.safetensors")
  net = torchvision.models.resnet50(); net.fc = torch.nn.Identity()
  net.load_state_dict({k: v for k, v in state.items() if k in net.state_dict()})

The heads get the average plus the maximum of the feature maps, not the average alone: see
docs/weights.md. "idml train --set model.weights=FILE" begins with an exported backbone.

Examples:
  $ idml export runs/birds --out birds.safetensors
  $ idml export runs/birds/best.safetensors --proxies --out birds.safetensors`,
		run: runExport,
	}
}

func runExport(ctx context.Context, env *environment, args []string) error {
	set := env.flags("export")
	out := set.String("out", "", "write this `file`")
	proxies := set.Bool("proxies", false, "also write the proxies [classes, dim] of the training classes")
	if err := env.parse(set, args, 1); err != nil {
		return err
	}
	switch {
	case set.NArg() == 0:
		return usageError{"export: name a run folder or a checkpoint"}
	case *out == "":
		return usageError{"export: no file to write: name one with --out FILE"}
	case isCheckpoint(*out):
		return usageError{fmt.Sprintf("export: --out %s would replace a run's checkpoint", *out)}
	}
	path := set.Arg(0)
	f, err := env.readNetwork(path, *proxies)
	if err != nil {
		return err
	}
	if err := wholefile.Write(*out, true, func(w io.Writer) error { return weights.WriteSafetensors(w, f) }); err != nil {
		return err
	}
	bytes := 0
	for _, t := range f.Tensors {
		bytes += len(t.Data)
	}
	fmt.Fprintf(env.stdout, "%d arrays, %d numbers: %s\n", len(f.Tensors), bytes/4, *out)
	return nil
}

// readNetwork reads the network of a checkpoint or of a run: of the newest checkpoint or, with a warning, of the one before if that is damaged.
func (env *environment) readNetwork(path string, proxies bool) (*weights.File, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return readCheckpoint(path, proxies)
	}
	run, err := runlog.Open(path)
	if err != nil {
		return nil, err
	}
	f, err := readCheckpoint(run.Path(runlog.ModelFile), proxies)
	if err == nil {
		return f, nil
	}
	before, fault := readCheckpoint(run.Path(runlog.PreviousModelFile), proxies)
	if fault != nil {
		return nil, err
	}
	env.warn(fmt.Sprintf("%v; the checkpoint before is taken", err))
	return before, nil
}

// readCheckpoint reads the network of a checkpoint.
func readCheckpoint(path string, proxies bool) (*weights.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	network, err := idml.Export(f, proxies)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return network, nil
}

// isCheckpoint tells whether a path is that of a checkpoint in a run folder.
func isCheckpoint(path string) bool {
	_, err := runlog.Open(filepath.Dir(path))
	return err == nil && slices.Contains([]string{runlog.ModelFile, runlog.PreviousModelFile, runlog.BestFile}, filepath.Base(path))
}
