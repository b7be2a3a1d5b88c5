// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/gomlx/compute"

	"introspection/idml"
	"introspection/idml/runlog"
)

// A network is a trained model and what it was trained with.
type network struct {
	run    *runlog.Run
	config idml.Config
	model  *idml.Model
	state  idml.State
}

// openNetwork opens, or takes from what is kept, the newest checkpoint of a run folder or, where path is a file, that checkpoint, by the config.json beside it.
func openNetwork(path string, o Options) (network, error) {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		run, cfg, err := openRun(path)
		if err != nil {
			return network{}, err
		}
		m, state, _, err := loadModel(run, cfg, o)
		return network{run, cfg, m, state}, err
	}
	run, cfg, err := openRun(filepath.Dir(path))
	if err != nil {
		return network{}, fmt.Errorf("%s is read with the config.json of its run beside it: %w", path, err)
	}
	m, state, err := o.Resident.readModel(path, cfg)
	return network{run, cfg, m, state}, err
}

// fingerprint returns a SHA-256, in hexadecimal, of all that an image's embedding depends on: the network's arrays and how it reads images. Networks
// that differ in the proxies, the classifier or the state of training alone have the same.
func (n network) fingerprint() (string, error) {
	h := sha256.New()
	d := n.config.Data
	fmt.Fprintf(h, "%d %v %v %s %s\n", d.ImageSize, d.Mean, d.Deviation, n.config.Model.Compute, n.config.Model.UncertaintyActivation)
	for _, p := range n.model.Params() {
		if p.Group == idml.Proxies || p.Group == idml.Classifier {
			continue
		}
		values, err := n.model.Values(p.Name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %v\n", p.Name, p.Shape)
		data := make([]byte, 0, 4*len(values))
		for _, v := range values {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// EvaluateCheckpoint measures a checkpoint, such as the best of a run, on the test images of the run whose config.json lies beside it. The run's
// files stay as they are.
func EvaluateCheckpoint(ctx context.Context, backend compute.Backend, path string, o Options) (Result, error) {
	n, err := openNetwork(path, o)
	if err != nil {
		return nil, err
	}
	if err := moveData(&n.config, o.Data); err != nil {
		return nil, err
	}
	task, err := o.Resident.openTask(n.config)
	if err != nil {
		return nil, err
	}
	_, result, err := trial{backend: backend, run: n.run, config: n.config, task: task, model: n.model}.measure(ctx)
	if note := task.badNote(); note != "" {
		o.warn("%s", note)
	}
	return result, err
}
