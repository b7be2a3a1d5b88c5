// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"introspection/idml"
)

// Names in the folder of a sweep.
const (
	PlanFile      = "sweep.json" // the plan
	logFolder     = "logs"       // of each run, its settings and what the program said that trained it
	failureFolder = "failed"     // of each run that failed, why
)

// A Plan is the runs of a sweep. It is kept as sweep.json in the sweep's folder, below which each run has a folder of its name.
type Plan struct {
	Runs    []PlannedRun
	LeftOut []LeftOut
}

// planVersion is the version of sweep.json.
const planVersion = 1

// planJSON is a Plan as it stands in the file.
type planJSON struct {
	Version int           `json:"version"`
	Runs    []plannedJSON `json:"runs"`
	LeftOut []LeftOut     `json:"left_out"`
}

type plannedJSON struct {
	Name   string          `json:"name"`
	Config json.RawMessage `json:"config"`
}

// Share returns the part of the runs that belongs to one of several programs that share the work, numbered from 0: every of-th run. It panics
// unless 0 ≤ share < of.
func (p *Plan) Share(share, of int) []PlannedRun {
	if share < 0 || share >= of {
		panic(fmt.Sprintf("experiment: share %d of %d", share, of))
	}
	var runs []PlannedRun
	for i := share; i < len(p.Runs); i += of {
		runs = append(runs, p.Runs[i])
	}
	return runs
}

// ReadPlan reads the plan of a sweep's folder. The error wraps fs.ErrNotExist if there is none.
func ReadPlan(dir string) (*Plan, error) {
	path := filepath.Join(dir, PlanFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	var file planJSON
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("sweep: %s: %w", path, err)
	}
	if file.Version != planVersion {
		return nil, fmt.Errorf("sweep: %s has version %d, this program reads version %d", path, file.Version, planVersion)
	}
	p := &Plan{LeftOut: file.LeftOut}
	for _, r := range file.Runs {
		cfg, err := idml.ParseConfig(r.Config)
		if err != nil {
			return nil, fmt.Errorf("sweep: %s: run %s: %w", path, r.Name, err)
		}
		if !filepath.IsLocal(r.Name) || r.Name == "." {
			return nil, fmt.Errorf("sweep: %s: %q is no name of a run", path, r.Name)
		}
		p.Runs = append(p.Runs, PlannedRun{r.Name, cfg})
	}
	return p, nil
}

// Store puts the plan into the folder of a sweep, which it makes. If a plan is there, of this program or of one that shares the work, it must be the same,
// and nothing is written. Else a folder that has the name of a run already is an error.
func (p *Plan) Store(dir string) error {
	stored, err := p.Check(dir)
	if stored || err != nil {
		return err
	}
	if err = p.create(dir); err == nil {
		return nil
	}
	if stored, again := p.Check(dir); stored || again != nil { // another program was faster
		return again
	}
	return err
}

// Check tells whether the folder of a sweep holds this plan already. Another plan is an error that says how it differs.
func (p *Plan) Check(dir string) (stored bool, err error) {
	old, err := ReadPlan(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if difference := planDifference(old, p); difference != "" {
		return false, fmt.Errorf("sweep: %s holds another sweep: %s; choose another --out, or go on with that one: idml sweep --resume %s", dir, difference, dir)
	}
	return true, nil
}

// create writes the plan where there is none.
func (p *Plan) create(dir string) error {
	for _, r := range p.Runs {
		if path := filepath.Join(dir, filepath.FromSlash(r.Name)); exists(path) {
			return fmt.Errorf("sweep: %s is there already and of no sweep: choose another --out or remove it", path)
		}
	}
	file := planJSON{Version: planVersion, Runs: []plannedJSON{}, LeftOut: p.LeftOut}
	for _, r := range p.Runs {
		text, err := json.Marshal(r.Config)
		if err != nil {
			return fmt.Errorf("sweep: run %s: %w", r.Name, err)
		}
		file.Runs = append(file.Runs, plannedJSON{r.Name, text})
	}
	data, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return writeOnce(filepath.Join(dir, PlanFile), append(data, '\n'))
}

// writeOnce makes a file with its whole content, or fails if it is there, however many programs do so at once.
func writeOnce(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".tmp-*")
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sweep: writing %s: %w", path, err)
	}
	err = os.Link(f.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) { // a file system without links: the last of several writes the same
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("sweep: writing %s: %w", path, err)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// planDifference tells the first difference of a stored plan and a wanted one, or "".
func planDifference(stored, wanted *Plan) string {
	names := map[string]idml.Config{}
	for _, r := range stored.Runs {
		names[r.Name] = r.Config
	}
	for _, r := range wanted.Runs {
		old, ok := names[r.Name]
		if !ok {
			return fmt.Sprintf("it has no run %q", r.Name)
		}
		if difference := configDifference(old, r.Config); difference != "" {
			return fmt.Sprintf("in %s, %s", r.Name, difference)
		}
		delete(names, r.Name)
	}
	for _, r := range stored.Runs {
		if _, more := names[r.Name]; more {
			return fmt.Sprintf("it also has the run %q", r.Name)
		}
	}
	if !slices.EqualFunc(stored.Runs, wanted.Runs, func(a, b PlannedRun) bool { return a.Name == b.Name }) {
		return "its runs are the same in another order"
	}
	return ""
}

// configDifference tells the first setting, by name, in which two configurations differ, or "".
func configDifference(was, wanted idml.Config) string {
	a, b := flatConfig(was), flatConfig(wanted)
	for _, key := range slices.Sorted(maps.Keys(b)) {
		if a[key] != b[key] {
			return fmt.Sprintf("%s is %s, not %s", key, a[key], b[key])
		}
	}
	return ""
}

// flatConfig returns each setting by its dotted path, as JSON.
func flatConfig(cfg idml.Config) map[string]string {
	flat := map[string]string{}
	whole, err := json.Marshal(cfg)
	if err != nil {
		panic(fmt.Sprintf("experiment: a configuration without JSON: %v", err)) // Validate lets no infinities pass
	}
	var tree map[string]json.RawMessage
	if err := json.Unmarshal(whole, &tree); err != nil {
		panic(err)
	}
	flattenRaw("", tree, flat)
	return flat
}

// flattenRaw puts the leaves of a JSON object under their dotted paths, as they are written: a seed has more digits than a float64.
func flattenRaw(prefix string, tree map[string]json.RawMessage, out map[string]string) {
	for name, value := range tree {
		var child map[string]json.RawMessage
		if value[0] == '{' && json.Unmarshal(value, &child) == nil {
			flattenRaw(prefix+name+".", child, out)
			continue
		}
		out[prefix+name] = string(value)
	}
}

// configText is all settings in one text that is the same for equal ones.
func configText(cfg idml.Config) string {
	text, err := json.Marshal(cfg)
	if err != nil {
		return fmt.Sprintf("%+v", cfg)
	}
	return string(text)
}
