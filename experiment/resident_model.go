// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"introspection/idml"
)

// mostNetworks is how many models a Resident keeps. Ours: a run, and one that it is compared with.
const mostNetworks = 2

// A networkKey tells whether a model is that of a checkpoint.
type networkKey struct {
	path   string
	file   os.FileInfo
	config string // all settings, as JSON
}

// equal tells whether both are the same file, unchanged, read by the same settings. A checkpoint is never written over, but replaced by a new file.
func (k networkKey) equal(other networkKey) bool {
	return k.path == other.path && k.config == other.config && os.SameFile(k.file, other.file) &&
		k.file.ModTime().Equal(other.file.ModTime()) && k.file.Size() == other.file.Size()
}

// A keptNetwork is a model that was read, with its programs.
type keptNetwork struct {
	key   networkKey
	model *idml.Model
	state idml.State
}

// readModel reads a checkpoint, or returns the model that was read from it before. The caller must not change the model. A nil Resident reads it anew.
func (r *Resident) readModel(path string, cfg idml.Config) (*idml.Model, idml.State, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, idml.State{}, err
	}
	defer f.Close()
	if r == nil {
		return loadCheckpoint(f, path, cfg)
	}
	key, err := keyOf(f, path, cfg)
	if err != nil {
		return nil, idml.State{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.IndexFunc(r.networks, func(n *keptNetwork) bool { return n.key.equal(key) }); i >= 0 {
		n := r.networks[i]
		r.networks = append(slices.Delete(r.networks, i, i+1), n)
		return n.model, n.state, nil
	}
	m, state, err := loadCheckpoint(f, path, cfg)
	if err != nil {
		return nil, state, err
	}
	r.counts.Models++
	r.networks = slices.DeleteFunc(r.networks, func(n *keptNetwork) bool { return n.key.path == key.path })
	r.networks = append(r.networks, &keptNetwork{key: key, model: m, state: state})
	if len(r.networks) > mostNetworks {
		r.networks = slices.Delete(r.networks, 0, len(r.networks)-mostNetworks)
	}
	runtime.GC() // frees what models that are no longer kept hold on the device
	return m, state, nil
}

// keyOf returns the key of a checkpoint that is open, so that it is that of what is read.
func keyOf(f *os.File, path string, cfg idml.Config) (networkKey, error) {
	info, err := f.Stat()
	if err != nil {
		return networkKey{}, err
	}
	config, err := json.Marshal(cfg)
	if err != nil {
		return networkKey{}, err
	}
	whole, err := filepath.Abs(path)
	return networkKey{whole, info, string(config)}, err
}

// loadCheckpoint reads a checkpoint from an open file.
func loadCheckpoint(f *os.File, path string, cfg idml.Config) (*idml.Model, idml.State, error) {
	m, state, err := idml.Load(f, cfg)
	if err != nil {
		return nil, state, fmt.Errorf("%s: %w", path, err)
	}
	return m, state, nil
}

// adopt returns the model of the last training with the values of m, if its programs serve a training of m, else m itself, which is kept for the next training. A nil
// Resident keeps none.
func (r *Resident) adopt(m *idml.Model) *idml.Model {
	if r == nil {
		return m
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.trained != nil {
		if ok, err := r.trained.TakeOver(m); ok && err == nil { // else m, which is whole all the same, takes its place
			return r.trained
		}
	}
	r.counts.Trainings++
	r.trained = m
	runtime.GC() // frees what the one before holds on the device
	return m
}
