// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/gomlx/compute"

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

// A keptNetwork is a model that was read, and its programs.
type keptNetwork struct {
	key             networkKey
	model           *idml.Model
	state           idml.State
	plain, features *idml.Embedder // nil before the first use
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

// embedder is [idml.NewEmbedder], but of a model that is kept it returns the embedder that was made before, for the same backend. A nil Resident keeps none.
func (r *Resident) embedder(backend compute.Backend, m *idml.Model) (*idml.Embedder, error) {
	return r.keep(m, func() (*idml.Embedder, error) { return idml.NewEmbedder(backend, m) }, func(n *keptNetwork) **idml.Embedder { return &n.plain })
}

// featureEmbedder is [idml.NewFeatureEmbedder] in the same way.
func (r *Resident) featureEmbedder(backend compute.Backend, m *idml.Model) (*idml.Embedder, error) {
	return r.keep(m, func() (*idml.Embedder, error) { return idml.NewFeatureEmbedder(backend, m) }, func(n *keptNetwork) **idml.Embedder { return &n.features })
}

// keep returns what a kept model has in a place, or what make makes.
func (r *Resident) keep(m *idml.Model, make func() (*idml.Embedder, error), place func(*keptNetwork) **idml.Embedder) (*idml.Embedder, error) {
	if r == nil {
		return make()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.networks, func(n *keptNetwork) bool { return n.model == m })
	if i < 0 {
		return make()
	}
	at := place(r.networks[i])
	if *at != nil {
		return *at, nil
	}
	e, err := make()
	if err == nil {
		r.counts.Embedders++
		*at = e
	}
	return e, err
}
